"The command: what it prints, what it changes, how it ends"
import asyncio,json,os,shutil,signal,subprocess,sys
from types import SimpleNamespace

import pytest
from fastlite import database
from helpers import command,data,end,manager_at,program,programs,root,wait_until

from tenant_tasks import __version__,statuses,task
from tenant_tasks.jobs.job import utcnow
from tenant_tasks.ops.command import main

def boom(): raise OSError('no route to host')

shell = [sys.executable, '-m', 'tenant_tasks']
env = dict(os.environ, PYTHONPATH=str(root))

no_database = 'this is no database, it is only text. '*40

def listing(path):
    return {o for o in os.listdir(path) if not o.endswith(('-wal', '-shm'))}

@pytest.fixture
def folder(tmp_path, clock):
    "Two tenants with a failed and a pending job each, and one that never had any"
    for o in ('acme', 'globex'):
        manager = manager_at(tmp_path/f'{o}.db', clock)
        _,bg_task = manager.submit('sync', boom, 1)
        asyncio.run(bg_task())
        manager.submit('mail', print, to='ann')
    database(tmp_path/'idle.db')
    return tmp_path

# -- look

def test_ls(folder, clock):
    "Filtered; a delayed job says when it is due, and no error of an attempt that a later one made good is shown"
    text = command('ls', folder).out
    assert all(o in text for o in ('acme', 'globex', 'failed', 'pending', 'OSError: no route to host'))
    assert 'idle' not in text
    assert command('ls', folder/'acme.db', '--status', 'running').out=='nothing\n'
    seen = sorted((o['tenant'], o['status']) for o in data('ls', folder))
    assert seen==[('acme', 'failed'), ('acme', 'pending'), ('globex', 'failed'), ('globex', 'pending')]
    some = data('ls', folder, '--tenant', 'acme', '--status', 'failed', '--type', 'sync')
    assert [o['tenant'] for o in some]==['acme'] and len(data('ls', folder, '--limit', '3'))==3
    assert [o['job_type'] for o in data('ls', folder, '--text', 'no route')]==['sync', 'sync']
    assert [o['job_type'] for o in data('ls', folder/'acme.db', '--text', 'ann')]==['mail']
    clock.now = utcnow()
    manager = manager_at(folder/'acme.db', clock, backoff=lambda n: 0)
    manager.using(delay=3*3600+60).submit('later', print)
    tries = iter([OSError('flaky'), None])
    def flaky():
        if e := next(tries): raise e
    _,bg_task = manager.submit('flaky', flaky)
    asyncio.run(bg_task())
    assert [o['job_type'] for o in data('ls', folder, '--since', '1h')]==['flaky', 'later']
    lines = {o.split()[-1]:o for o in command('ls', folder/'acme.db').out.splitlines()}
    assert 'in 3h' in lines['later'] and 'OSError: flaky' not in lines['flaky']
    assert 'flaky' in command('show', folder/'acme.db', manager.list_jobs('flaky')[0].id).out.split('Traceback')[1]

def test_a_directory_without_tenants(tmp_path):
    "There is nothing to show, which is no error; files of tenants may end in another way"
    for o in ('ls', 'stats', 'pauses', 'schedules', 'rescue'): assert data(o, tmp_path)==[]
    assert 'no tenants in' in command('ls', tmp_path).err and command('show', tmp_path, 'x').code==2
    for o in ('acme.sqlite', 'globex.db'): manager_at(tmp_path/o).submit('sync', print)
    assert [o['tenant'] for o in data('ls', tmp_path, '--suffix', '.sqlite')]==['acme']
    assert [o['tenant'] for o in data('stats', tmp_path)]==['globex']
    res = command('ls', tmp_path, '--suffix', '.none')
    assert res[:2]==(0, 'nothing\n') and 'files that end in .none' in res.err

def test_a_broken_tenant_stops_no_other(folder):
    (folder/'broken.db').write_text(no_database)
    (folder/'folder.db').mkdir()
    ls,stats = command('ls', folder, '--json'),command('stats', folder, '--json')
    assert (ls.code, stats.code)==(2, 2)
    assert len(json.loads(ls.out))==4 and [o['tenant'] for o in json.loads(stats.out)]==['acme', 'globex']
    assert 'tenant broken is skipped: its file is not a database' in ls.err and len(ls.err.splitlines())==1
    assert command('show', folder, manager_at(folder/'globex.db').list_jobs(status='failed')[0].id).code==0

def test_many_tenants_need_few_open_files(tmp_path):
    for n in range(120): manager_at(tmp_path/f't{n}.db').submit('mail', print)
    few = ['sh', '-c', 'ulimit -n 400; exec "$@"', '', *shell, 'stats', str(tmp_path), '--json']
    res = subprocess.run(few, capture_output=True, text=True, env=env)
    assert res.stdout.count('"tenant"')==120, res.stderr

# -- act

def test_several_ids(folder):
    "With an unknown id nothing is done; a job in another state stops no other"
    failed = [o['id'] for o in data('ls', folder, '--status', 'failed')]
    assert command('retry', folder, failed[0], 'no-such-id').code==2
    assert len(data('ls', folder, '--status', 'failed'))==2
    manager_at(folder/'acme.db').retry_job(manager_at(folder/'acme.db').list_jobs(status='failed')[0].id)
    res = command('retry', folder, *failed, '--json')
    assert res.code==1 and {o['tenant']:bool(o['note']) for o in json.loads(res.out)}=={'acme':True, 'globex':False}
    assert {o['status'] for o in data('ls', folder, '--type', 'sync')}=={'pending'}

@pytest.mark.parametrize('what,was,now', [('retry', 'failed', 'pending'), ('cancel', 'pending', 'cancelled')])
def test_all_that_match(folder, what, was, now):
    "It counts by tenant until `--yes` is given, and a directory needs to know that all tenants are meant"
    seen = data('ls', folder)
    assert '--all-tenants' in command(what, folder).err and command(what, folder).code==2
    if what=='retry': assert data(what, folder, '--error', 'OSError: no route', '--all-tenants')==[]
    more = ('--error', 'OSError: no route to host') if what=='retry' else ('--type', 'mail')
    res = command(what, folder, '--all-tenants', *more)
    assert res.code==0 and res.out.endswith('Matching jobs: 2. Nothing is changed without --yes\n')
    assert data(what, folder, '--all-tenants', '--since', '1h')==[] and data('ls', folder)==seen
    assert data(what, folder, '--tenant', 'acme', '--yes')==[dict(tenant='acme', jobs=1, note='')]
    assert data(what, folder, '--all-tenants', *more)==[dict(tenant='globex', jobs=1, note='')]
    ids = {(o['tenant'], o['id']) for o in seen if o['status']==was}
    left = {o['tenant']:o['status'] for o in data('ls', folder) if (o['tenant'], o['id']) in ids}
    assert left=={'acme':now, 'globex':was}

def test_many_that_match_and_one_that_runs(folder, clock):
    "Many are left to a job of the tenant, which a worker runs; one that runs is asked to stop"
    manager = manager_at(folder/'acme.db', clock)
    manager.submit_many('bulk', print, [{}]*600)
    row, = data('cancel', folder/'acme.db', '--type', 'bulk', '--yes')
    assert row['jobs']==0 and manager.list_jobs('cancel_matching')[0].id in row['note']
    job = manager.claim(manager.submit('long', print)[0])
    res = command('cancel', folder, job.id)
    assert res.code==0 and res.err=='' and 'running  asked to stop' in res.out
    assert manager.get_job(job.id).cancel_requested==1

def test_rescue(folder):
    "What a killed process left behind"
    program('claim_and_die', folder, 'globex').communicate(timeout=60)
    row, = data('rescue', folder)
    assert (row['tenant'], row['job_type'], row['status'])==('globex', 'all', 'pending')
    assert data('rescue', folder)==[]

# -- mistakes

mistakes = [([], 'COMMAND'), (['fly'], 'fly'),
    (['ls', 'nowhere'], "`path` must be a database file or a directory of tenants, got 'nowhere'"),
    (['ls', 'junk.db'], 'not a database'),
    (['retry', '.', '--all-tenants', '--status', 'pending'],
        "`status` must be one of failed, cancelled, got 'pending'"),
    (['retry', '.', 'x', '--type', 'mail'], 'ids must be given without filters'),
    (['ls', '.', '--since', '2'], "as in 30d, got '2'"), (['ls', '.', '--tenant', 'x'], "got 'x'"),
    (['ls', 'acme.db', '--tenant', 'globex'], "`tenant` must be one of acme, got 'globex'"),
    (['ls', '.', '--status', 'done'], f"`status` must be one of {', '.join(statuses)}, got 'done'"),
    (['ls', '.', '--limit', '9'*20], 'got 999'),
    (['ls', '.', '--type', ''], "`job_type` must be a string that isn't blank, got ''"),
    (['ls', '\x1b[2J'], '\\x1b[2J'), (['show', '.', '\udcff'], '\\udcff'),
    (['worker', 'nomodule:w'], 'nomodule'), (['worker', ':'], 'MODULE:NAME')]

@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'path', [*sys.path])
    return tmp_path

def test_mistakes(here):
    "One clear line on stderr, exit code 2, no file created"
    manager_at(here/'acme.db').submit('mail', print)
    (here/'empty').mkdir()
    (here/'junk.db').write_text(no_database)
    files = listing(here)
    for args,says in mistakes:
        if args[:1]==['show']: args = [*args, '--tenant', 'acme']
        res = command(*args)
        assert res.code==2 and res.out=='' and says in res.err and len(res.err.splitlines())==1, args
        assert listing(here)==files, args

def test_usage_teaches():
    top = command('--help')
    assert top.code==0 and all(o in top.out for o in ('ls', 'show', 'retry', 'stats', 'worker', 'exit code'))
    assert 'example: tenant-tasks prune data --older-than 30d' in command('prune', '--help').out
    assert command('--version').out.strip()==__version__

# -- in a shell

def test_completion(monkeypatch):
    "Of commands and options, by an optional package that writes it for two shells"
    asked = []
    shtab = SimpleNamespace(complete=lambda parser, shell: asked.append((parser.prog, shell)) or 'text')
    monkeypatch.setitem(sys.modules, 'shtab', shtab)
    assert command('--print-completion', 'zsh')==(0, 'text\n', '') and asked==[('tenant-tasks', 'zsh')]
    monkeypatch.setitem(sys.modules, 'shtab', None)
    res = command('--print-completion', 'bash')
    assert res.code==2 and "pip install 'tenant_tasks[completion]'" in res.err

def test_text_that_does_harm(folder):
    "Escapes of jobs are printed; a broken file is one line, without a log of SQLite; letters that stdout lacks too"
    manager = manager_at(folder/'acme.db')
    def fails(note): raise OSError('\x1b[8mhidden')
    job_id,bg_task = manager.submit('\x1b[2J\x1b]0;owned\x07', fails, 1, note='\x1b[31m\r\u202e')
    asyncio.run(bg_task())
    for res in (command('ls', folder), command('show', folder, job_id)):
        assert not [c for c in res.out+res.err if not c.isprintable() and c!='\n']
        assert '\\x1b[2J' in res.out and '\\x1b[8m' in res.out
    (folder/'junk.db').write_text(no_database)
    manager.submit('grün…', print)
    ascii_env = dict(env, PYTHONIOENCODING='ascii')
    res = subprocess.run([*shell, 'ls', str(folder)], capture_output=True, env=ascii_env)
    assert res.returncode==2 and len(res.stderr.splitlines())==1 and b'gr\\xfcn\\u2026' in res.stdout

def test_closed_pipe(folder):
    "It ends without a message, though there is more to print than a pipe holds"
    manager_at(folder/'acme.db').submit_many('mail', print, [dict(to='ann')]*1000)
    read,write = os.pipe()
    cmd = [*shell, 'ls', str(folder), '--limit', '1000']
    proc = subprocess.Popen(cmd, stdout=write, stderr=subprocess.PIPE, env=env)
    os.close(write)
    assert os.read(read, 10)
    os.close(read)
    assert proc.communicate(timeout=60)[1]==b'' and proc.returncode==0

def test_worker_process(folder):
    "It runs the tasks of its module, outlives closed connections, logs text of its own, and ends with 0 on SIGTERM"
    shutil.copy(programs/'myapp.py', folder)
    assert program('myapp', cwd=folder).wait(60)==0
    proc = program('-m', 'tenant_tasks', 'worker', 'myapp:worker', cwd=folder)
    try:
        manager = manager_at(folder/'idle.db')
        wait_until(lambda: manager.job_stats()['completed']+manager.job_stats()['failed']==2)
        assert manager.list_jobs(status='completed')[0].value==['hello ann', True]
        proc.send_signal(signal.SIGTERM)
        assert proc.wait(60)==0
        err = proc.stderr.read()
        assert 'starts as' in err and '\\x1b[2J' in err and '\x1b' not in err and 'chatter' not in err
    finally: end(proc)

app = """
import time
from tenant_tasks import *
@task(name='reload.greet')
def greet(secs=0):
    open('began', 'w').close()
    time.sleep(secs)
    return 'WORD'
worker = Worker('.', look_every=.05)
"""

@task(name='reload.greet')
def greet(secs=0): pass

def test_a_worker_with_reload(tmp_path):
    "Changed code replaces the process, a running job has its grace, and a mistake is mended by the next change"
    module,log = tmp_path/'myapp.py',(tmp_path/'log.txt').read_text
    def write(word): return module.write_text(app.replace('WORD', word))
    def submit(secs=0): return manager.submit('greet', greet, 1, secs=secs)[0]
    def value(job_id):
        wait_until(lambda: manager.get_job(job_id).status=='completed', why=log)
        return manager.get_job(job_id).value
    write('old')
    manager = manager_at(tmp_path/'acme.db')
    cmd = [*shell, 'worker', 'myapp:worker', '--reload']
    with open(tmp_path/'log.txt', 'w') as out: proc = subprocess.Popen(cmd, cwd=tmp_path, env=env, stderr=out)
    try:
        first = submit(secs=1.5)
        wait_until((tmp_path/'began').exists, why=log)
        wait_until(lambda: write('new') and 'a .py file has changed' in log(), every=.3, why=log)
        assert value(first)=='old' and value(submit())=='new'
        module.write_text('oops oops')
        wait_until(lambda: 'the next one starts' in log(), why=log)
        write('third')
        assert value(submit())=='third'
        proc.send_signal(signal.SIGTERM)
        assert proc.wait(60)==0
    finally: end(proc)

def test_settings_of_a_worker(here, monkeypatch):
    "A bug in its module shows itself"
    (here/'buggy.py').write_text('import os\nos.nope')
    with pytest.raises(AttributeError, match="no attribute 'nope'"): main(['worker', 'buggy:worker'])
    shutil.copy(programs/'myapp.py', here)
    seen = []
    def note(self, processes=1, reload=False):
        seen.append((self.concurrency, self.per_tenant, self.threads.size, processes))
        raise SystemExit(0) # `main` of a real worker never returns
    monkeypatch.setattr('tenant_tasks.fleet.worker.Worker.main', note)
    command('worker', 'myapp:worker')
    command('worker', 'myapp:worker', '--concurrency', '3', '--per-tenant', '2', '--processes', '4')
    assert seen==[(20, 5, 20, 1), (3, 2, 3, 4)]
    for o in ('--per-tenant', '--processes'): assert command('worker', 'myapp:worker', o, '0').code==2
