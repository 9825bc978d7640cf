"`tenant-tasks watch` in a terminal and in a pipe, and `await manager.watch`: what they show, and how they end"
import asyncio,fcntl,json,os,pty,re,select,struct,subprocess,sys,termios,threading
from types import SimpleNamespace

import apsw,pytest
from helpers import Call,end,manager_at,root,until,wait_until

from tenant_tasks import *
from tenant_tasks.jobs.job import utcnow
from tenant_tasks.ops.target import *
from tenant_tasks.ops.screen import _FileFrames,_JobFrames,_show,_TenantFrames
from tenant_tasks.ops.command import main
from tenant_tasks.ops.watch import JobWatch,_WatchDisplay

cmd = [sys.executable, '-m', 'tenant_tasks', 'watch']
env = {k:v for k,v in os.environ.items() if k not in ('COLUMNS', 'LINES', 'NO_COLOR')} | dict(PYTHONPATH=str(root),
    TERM='xterm')
go = threading.Event() # The job of a test with a `gate` waits for it

@task(name='watch.report', max_retries=1)
def report(password, fail=False):
    job = current_job()
    job.log(f'logs in with {password}\x1b[2J')
    job.progress(.5, '15 of 30 rows')
    go.wait(60)
    if fail: raise OSError(f'no route for {password}')
    return '30 rows'

@pytest.fixture(autouse=True)
def gate():
    go.set()
    yield go
    go.set()

def submit(manager, **kw): return manager.submit('make_report', report, password='hunter42', **kw)
def run(bg_task): return Call(lambda: asyncio.run(bg_task()))

class Terminal:
    "A process in a terminal of its own, and what the terminal shows"
    def __init__(self, *args, columns=70, rows=12):
        self.pid,self.fd = pty.fork()
        if not self.pid: os.execve(sys.executable, [*cmd, *map(str, args)], env)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
        self.ready = select.poll() # `select.select` knows no file above 1,023
        self.ready.register(self.fd, select.POLLIN)
        self.columns = columns
        self.text = ''

    def ended(self):
        "Read what there is: is it the end?"
        if not self.ready.poll(200): return False
        try: data = os.read(self.fd, 65536)
        except OSError: return True
        self.text += data.decode()
        return not data

    def wait_for(self, *words):
        def there(): return all(any(o in line for line in self.screen()) for o in words)
        wait_until(lambda: there() or self.ended(), why=lambda: self.text)
        assert there(), self.text

    def screen(self):
        "The lines in sight, as a terminal makes them of the text so far"
        lines,y,x = [''],0,0
        marks = r'(\x1b\[\??([\d;]*)([A-Za-z]))|(.|\n)'
        for mark,n,how,c in re.findall(marks, self.text.replace('\r\n', '\n'), re.S):
            if how=='F': y,x = y-int(n),0
            elif how=='K': lines[y] = lines[y][:x]
            elif how=='J': lines[y:] = [lines[y][:x]]
            elif c=='\n':
                y,x = y+1,0
                if y==len(lines): lines.append('')
            elif c: lines[y],x = lines[y][:x].ljust(x)+c+lines[y][x+1:],x+1
        return lines

    def end(self):
        "Wait for the end: the exit code"
        try: wait_until(self.ended, why=lambda: self.text)
        except AssertionError:
            os.kill(self.pid, 9)
            raise
        finally: os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

def test_a_job_in_a_terminal(manager, path, gate):
    "Drawn in place, no wider than the terminal, without secrets and foreign escapes; 0 once it has completed"
    gate.clear()
    job_id,bg_task = submit(manager)
    t = Terminal(path, job_id, '--every', '.1')
    t.wait_for('pending')
    running = run(bg_task)
    t.wait_for('50%', '15 of 30 rows', 'logs in with')
    assert sum(job_id in o for o in t.screen())==1 and '\x1b[34mrunning\x1b[0m' in t.text
    gate.set()
    running.answer()
    assert t.end()==0
    lines = [o for o in t.screen() if o]
    assert lines[0].startswith(f'make_report  completed  {job_id}') and '30 rows' in lines[2] and len(lines)==4
    assert max(map(len, lines))<=t.columns and 'hunter42' not in t.text and '••••••\\x1b[2J' in lines[3]
    assert t.text.endswith('\x1b[?25h') and '\x1b[2J' not in t.text.replace('\\x1b[2J', '')

def test_a_directory_until_ctrl_c(tmp_path):
    "The cursor is back, and nothing of a traceback is in sight"
    acme = manager_at(tmp_path/'acme.db')
    acme.submit('sync', print)
    manager_at(tmp_path/'idle.db')
    t = Terminal(tmp_path, '--every', '.1')
    t.wait_for('moving: 1 of 2 tenants', 'acme')
    acme.cancel_job(acme.submit('mail', print)[0])
    t.wait_for('mail cancelled')
    os.write(t.fd, b'\x03')
    assert t.end()==130 and '\x1b[?25h' in t.text and 'Traceback' not in t.text
    assert sum('acme' in o for o in t.screen())==1

def test_a_job_that_fails_in_a_pipe(manager, path, gate):
    "A line of JSON for each change; 1 at its end"
    gate.clear()
    job_id,bg_task = submit(manager, fail=True)
    args = [*cmd, path, job_id[:-1], '--every', '.1', '--json']
    proc = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    try:
        out = [proc.stdout.readline()]
        running = run(bg_task)
        out.append(proc.stdout.readline())
        gate.set()
        running.answer()
        out += proc.communicate(timeout=60)[0].splitlines()
    finally: end(proc)
    docs = [json.loads(o) for o in out]
    assert proc.returncode==1 and (docs[-1]['id'], docs[-1]['tenant'])==(job_id, 'acme')
    assert docs[0]['status']=='pending' and docs[-1]['status']=='failed'
    assert [o['n'] for doc in docs for o in doc['log']]==[1] and not any('\x1b' in o or 'hunter42' in o for o in out)

def test_a_reader_that_goes_ends_it(manager, monkeypatch):
    "As `head` does after the first line"
    manager.submit_many('sync', print, [{}]*3)
    lines = []
    monkeypatch.setattr('tenant_tasks.ops.screen.say', lambda line: lines.append(line))
    assert _show(_FileFrames('acme', lambda name: manager))==0 and len(lines)==1 and 'sync pending' in lines[0]

def words(what):
    "The next lines; a scan that took long isn't repeated at once, so there may be none for a moment"
    res = []
    wait_until(lambda: res.extend(o for o,_ in what.look(utcnow())) or res)
    return res

def test_what_moves_in_a_directory(tenants):
    "Live tenants at first, then each whose numbers differ, also if they come back to what they were; broken ones too"
    acme = tenants['acme']
    def fail(): acme.store.settle(acme.store.claim(job_id, 'p', utcnow()), 'fail', utcnow())
    job_id,_ = acme.submit('sync', report, 1, password='')
    fail()
    what = _TenantFrames(tenants)
    while len(what.overview.known)<3: assert what.look(utcnow())==[]
    assert what.frame(utcnow(), 9)==['moving: 0 of 3 tenants', '']
    acme.retry_job(job_id)
    assert words(what)==['acme 1 pending 0 running 0 completed 0 failed 0 cancelled']
    fail()
    assert words(what)==['acme 0 pending 0 running 0 completed 1 failed 0 cancelled']
    with open(tenants.file('hooli'), 'w') as f: f.write('no database '*200)
    assert words(what)==["hooli can't be read: NotADBError: file is not a database"]
    assert any("can't be read" in o for o in what.frame(utcnow(), 9))

def test_a_database_that_is_locked_and_a_job_that_is_gone(manager, path, capsys, monkeypatch):
    job_id,_ = manager.submit('sync', print)
    watch = JobWatch(manager, job_id)
    assert watch.look() and watch.shown.status=='pending'
    manager.cancel_job(job_id)
    def busy(*a): raise apsw.BusyError('locked')
    with monkeypatch.context() as m:
        m.setattr(manager, 'get_job', busy)
        assert watch.look() is False and watch.shown.status=='pending'
    assert watch.look() and watch.ended
    manager.store.write(lambda conn: list(conn.execute('DELETE FROM tenant_jobs')))
    with pytest.raises(UsageError, match='any more'): _JobFrames('acme', watch).look(utcnow())
    wrong = {'nope':'there is no job', '--every 0':'`every` must be', '--limit -1':'`limit` must be'}
    for words,says in wrong.items(): assert main(['watch', path, *words.split()])==2 and says in capsys.readouterr().err

async def test_a_card_in_a_notebook(manager, monkeypatch):
    "It is made once and then replaced, also when only its times have changed"
    display,ipython = pytest.importorskip('IPython.display'),pytest.importorskip('IPython')
    shown,init = [],_WatchDisplay.__init__
    def show(o, display_id):
        assert not shown and o.data
        shown.append(o.data)
        return SimpleNamespace(update=lambda o: shown.append(o.data))
    monkeypatch.setattr(display, 'display', show)
    monkeypatch.setattr(ipython, 'get_ipython', lambda: object())
    monkeypatch.setattr(_WatchDisplay, '__init__', lambda self, html: init(self, html) or setattr(self, 'every', .02))
    job_id,bg_task = submit(manager)
    watching = asyncio.create_task(manager.watch(job_id, every=.01))
    await until(lambda: len(shown)>=3)
    await bg_task()
    await watching
    assert 'pending' in shown[0] and 'data-status="completed"' in shown[-1] and 'logs in with ••••••' in shown[-1]
    assert '<form' not in shown[-1]

async def test_lines_without_a_notebook(manager, capsys):
    "A program that runs the job itself: a line for each change"
    job_id,bg_task = submit(manager)
    await asyncio.gather(manager.watch(job_id, every=.01), bg_task())
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith('completed') and any('logs in with ••••••' in o for o in lines), lines
    assert 'hunter42' not in str(lines)
