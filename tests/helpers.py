"What several test files use: managers, programs that run as processes, waiting for a condition, and small tasks"
import asyncio,json,os,re,subprocess,sys,time
from contextlib import asynccontextmanager,contextmanager,redirect_stderr,redirect_stdout
from datetime import timedelta
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import NamedTuple
from urllib.request import urlopen

import apsw,httpx,pytest
from fastcore.net import free_port
from fastlite import database
from forks import Program

from tenant_tasks.ops.command import main
from tenant_tasks.jobs.job import TenantJob,timestamp,utcnow
from tenant_tasks.jobs.task import task
from tenant_tasks.db.sqlite import retry_busy
from tenant_tasks.manager.manager import BackgroundTaskManager
from tenant_tasks.run.process import Process,lock_dir,this_process

root = Path(__file__).parent.parent
programs = root/'tests/programs'

def slow(*values):
    "Parameters of a test that runs with them under --all alone"
    params = [o if isinstance(o, tuple) else (o,) for o in values]
    return [pytest.param(*o, marks=pytest.mark.slow) for o in params]

def work(**kw): return kw
async def awork(**kw): return kw
def boom(): raise OSError('no route to host')
async def aboom(): raise OSError('no route to host')

ran = [] # What `note` was called with during a test

@task(name='w.note')
def note(n=0): ran.append(n)

async def run(manager, func, /, *args, **kw):
    "Submit a job and run it to its end: the job as it is then"
    job_id,bg_task = manager.submit('sync', func, *args, **kw)
    await bg_task()
    return manager.get_job(job_id)

def marked(text):
    "A text of the pages in marks, with its fields outside of them"
    return re.sub('[^{}]+(?![^{]*})', lambda m: f'«{m[0]}»', text)

class Stopwatch:
    "Monotonic time in the test's hands"
    secs = 0.
    def __call__(self): return self.secs

def open_db(path):
    "The database at `path`; opening one that another process writes to may need a second try"
    return retry_busy(lambda: database(path))

def delete_db(path):
    "Delete the database at `path`, and what SQLite has put beside it"
    for o in ('', '-wal', '-shm'): Path(f'{path}{o}').unlink(missing_ok=True)

def manager_at(path, clock=None, **kw):
    "A manager of the database at `path`; `clock`, if there is one, gives it the time and its sleep"
    if clock: kw.update(clock=clock, sleep=clock.sleep)
    return BackgroundTaskManager(open_db(path), **kw)

async def until(cond, timeout=60, every=.005):
    "Wait on the event loop until `cond()` is true"
    end = time.monotonic()+timeout
    while not cond():
        assert time.monotonic()<end, f'not true within {timeout} s'
        await asyncio.sleep(every)

def wait_until(cond, timeout=60, every=.01, why=lambda: ''):
    "Wait in a thread until `cond()` is true; `why` adds to the error"
    end = time.monotonic()+timeout
    while not cond():
        assert time.monotonic()<end, f'not true within {timeout} s {why()}'
        time.sleep(every)

def program(name, *args, stderr=subprocess.PIPE, forked=True, cwd=None, **env):
    """Start `programs/<name>.py`, or a module if the name is '-m', with pipes to talk to it and a larger environment:
    as a fork that has imported the package already or, if that matters to it, as a new interpreter"""
    env = {**os.environ, 'PYTHONPATH':f"{root}{os.pathsep}{root/'tests'}", **{k:str(v) for k,v in env.items()}}
    path,args,pipe = name if name=='-m' else str(programs/f'{name}.py'),[*map(str, args)],subprocess.PIPE
    if forked: return Program(path, args, env, stderr, cwd)
    return subprocess.Popen([sys.executable, path, *args], text=True, env=env, stdin=pipe, stdout=pipe, stderr=stderr)

def python(*args, **kw):
    "Run Python in the root of the repository, with its output as text"
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, cwd=root, **kw)

class Ran(NamedTuple):
    "How a command ended, and what it printed"
    code:int
    out:str
    err:str

def command(*args):
    "Run the command `tenant-tasks` in this process"
    out,err = StringIO(),StringIO()
    with redirect_stdout(out),redirect_stderr(err):
        try: code = main([*map(str, args)])
        except SystemExit as e: code = e.code
    return Ran(code, out.getvalue(), err.getvalue())

def data(*args):
    "The JSON that a command prints"
    res = command(*args, '--json')
    assert res.code==0, res.err
    return json.loads(res.out)

def repo_files(*paths):
    "The files of the repository that git knows or would add"
    cmd = ['git', 'ls-files', '-co', '--exclude-standard', *paths]
    found = subprocess.run(cmd, cwd=root, capture_output=True, text=True).stdout.split('\n')
    return [o for o in found if o and (root/o).exists()]

def is_alive(pid):
    "Does a process run, or is it stopped?"
    try: return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] not in 'ZX'
    except OSError: return False

def tell(proc, line=''):
    "Send a line to a program: the line that it answers"
    proc.stdin.write(line+'\n')
    proc.stdin.flush()
    return proc.stdout.readline()

def end(proc):
    "Kill a program, if it still runs: the rest of its output and its errors"
    proc.kill()
    return proc.communicate()

@asynccontextmanager
async def unstopped(secs):
    "The event loop goes on meanwhile: no pause in it is as long as `secs`"
    ticks = [time.monotonic()]
    async def tick():
        while True:
            await asyncio.sleep(.01)
            ticks.append(time.monotonic())
    ticking = asyncio.ensure_future(tick())
    yield
    ticking.cancel()
    assert max(b-a for a,b in zip(ticks, ticks[1:]))<secs and len(ticks)>10

@asynccontextmanager
async def working(worker):
    "Run a worker on the event loop of the test, where its async functions share what the test has there"
    run = asyncio.ensure_future(worker.run())
    await asyncio.sleep(0)
    try: yield worker
    finally:
        worker.stop()
        await run

@contextmanager
def serving(name, *args):
    "A server that answers: its process, and how to ask it; the port is the last argument of the program"
    port = free_port()
    proc = program(name, *args, port)
    def get(route):
        with urlopen(f'http://127.0.0.1:{port}/{route}', timeout=60) as res: return res.read().decode()
    def is_up():
        try: return get('up')
        except OSError: return proc.poll() is not None
    try:
        wait_until(is_up)
        assert proc.poll() is None, proc.communicate()
        yield proc,get
    finally: end(proc)

class Site:
    "An app in a directory of its own: its processes, their log, and the browsers of its users"
    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.users = {}

    def run(self, *args, **env):
        "Start a module as a program"
        with open(self.folder/'log.txt', 'a') as log: return program('-m', *args, stderr=log, cwd=self.folder, **env)

    def log(self): return (self.folder/'log.txt').read_text()

    def is_up(self):
        try: return httpx.get(f'http://127.0.0.1:{self.port}/login').status_code==200
        except httpx.TransportError: return False

    def log_in(self, user, password):
        "A browser in which this user is logged in"
        res = httpx.Client(base_url=f'http://127.0.0.1:{self.port}', follow_redirects=True, timeout=60)
        self.users[user] = res
        res.post('/login', data=dict(user=user, password=password))
        return res

@contextmanager
def write_lock(path):
    "Another process holds the write lock of the database at `path`; calling what this gives frees it"
    proc = program('write_lock', path)
    assert proc.stdout.readline()=='locked\n'
    try: yield lambda: tell(proc)
    finally: end(proc)

class Call(Thread):
    "A call in a thread of its own: what it returned or raised"
    def __init__(self, f, *args, **kw):
        super().__init__(daemon=True)
        self.f = f
        self.args = args
        self.kw = kw
        self.value = None
        self.error = None
        self.start()

    def run(self):
        try: self.value = self.f(*self.args, **self.kw)
        except BaseException as e: self.error = e

    def answer(self):
        "Wait for its end: what it returned or raised"
        self.join(60)
        assert not self.is_alive(), 'the call never ended'
        return self.error or self.value

def in_threads(*calls):
    "Make calls, each in a thread of its own: what they returned or raised"
    return [o.answer() for o in [Call(f, *args) for f,*args in calls]]

class SyncVFS(apsw.VFS):
    "A file system that counts how often files are synced to disk"
    def __init__(self, name):
        self.name = name
        self.synced = 0
        super().__init__(name, '')

    def xOpen(self, name, flags): return SyncFile(self, name, flags)

    def syncs(self, f, *args):
        "How often `f` syncs"
        before = self.synced
        f(*args)
        return self.synced-before

class SyncFile(apsw.VFSFile):
    "A file that tells its `SyncVFS` when it is synced"
    def __init__(self, vfs, name, flags):
        self.vfs = vfs
        super().__init__('', name, flags)

    def xSync(self, flags):
        self.vfs.synced += 1
        super().xSync(flags)

def running_row(manager, owner, lease=None, **kw):
    "A row of a job that another process runs, or ran; its lease ends after `lease` from now"
    n,now = len(manager.list_jobs()),utcnow()
    vals = dict(status='running', task='w.note', max_retries=3, payload='{"n": 1}', owner=owner, claim=f'c{n}')
    times = dict(created_at=now, started_at=now-timedelta(seconds=1), lease_until=lease and now+lease)
    vals |= {k:v and timestamp(v) for k,v in times.items()}
    return manager.store.submit([TenantJob(f'r{n}', 'note', **{**vals, **kw})])[0]

def dead_owner(folder):
    "The name of a process that has died: nothing holds its lock any more"
    owner = '~'.join([*this_process.id.split('~')[:2], '9', 'aa'])
    (Path(folder)/lock_dir).mkdir(exist_ok=True)
    (Path(folder)/lock_dir/f'{owner}.lock').touch()
    return owner

class Look:
    "A manager of a process whose monotonic clock only `at_intervals` moves"
    def __init__(self, path, **kw):
        self.watch = Stopwatch()
        self.process = Process(monotonic=self.watch)
        self.manager = manager_at(path, process=self.process, **kw)

    def at_intervals(self, n=4):
        "Look for orphans `n` times, a third of a lease apart: the ids of the jobs that each look rescued"
        res = []
        for _ in range(n):
            self.watch.secs += self.process.lease.total_seconds()/3
            res.append({o.id for o in self.manager.rescue()})
        return res
