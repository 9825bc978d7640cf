"The command as a shell runs it: what it prints, what it changes, how it ends"
import asyncio,json,os,signal,subprocess,sys,time

import pytest
from fastlite import database
from helpers import manager_at,root

def boom(): raise OSError('no route to host')

cmd = [sys.executable, '-c', 'import sys; from tenant_tasks.cli import main; sys.exit(main())']

def run(*args, **kw): return subprocess.run([*cmd, *map(str, args)], capture_output=True, text=True, timeout=30, **kw)

def data(*args):
    "What a command gives to programs"
    res = run(*args, '--json')
    assert res.returncode==0, res.stderr
    return json.loads(res.stdout)

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

def test_ls(folder):
    text = run('ls', folder).stdout
    assert [o in text for o in ('acme', 'globex', 'failed', 'pending', 'OSError: no route to host', 'idle')]==[True]*5+[False]
    assert {(o['tenant'], o['status']) for o in data('ls', folder)}=={(t, s) for t in ('acme', 'globex') for s in ('failed', 'pending')}
    assert [o['tenant'] for o in data('ls', folder, '--tenant', 'acme', '--status', 'failed', '--type', 'sync')]==['acme']
    assert len(data('ls', folder, '--limit', 3))==3 and data('ls', folder/'acme.db', '--status', 'running')==[]
    assert run('ls', folder/'acme.db', '--status', 'running').stdout=='nothing\n'

def test_looking_makes_nothing(folder):
    def files(): return {o for o in os.listdir(folder) if not o.endswith(('-wal', '-shm'))}
    before = files()
    assert data('ls', folder/'idle.db')==[] and data('stats', folder/'idle.db')==[]
    assert 'tenant_jobs' not in database(folder/'idle.db').t and files()==before

def test_show_retry_cancel(folder):
    job, = data('ls', folder, '--tenant', 'globex', '--status', 'failed')
    shown = run('show', folder, job['id']).stdout
    assert 'globex' in shown and 'in boom' in shown and data('show', folder, job['id'])['id']==job['id']
    assert data('retry', folder, job['id'])==[dict(tenant='globex', id=job['id'], status='pending', note='')]
    res = run('retry', folder, job['id'])
    assert res.returncode==1 and 'is pending; allowed: failed or cancelled' in res.stderr
    assert data('cancel', folder, job['id'])[0]['status']=='cancelled'
    assert manager_at(folder/'globex.db').get_job(job['id']).status=='cancelled'

def test_stats_prune_rescue(folder):
    stats = {o['tenant']:o for o in data('stats', folder)}
    assert (stats['acme']['failed'], stats['acme']['pending'])==(1, 1)
    assert [o['deleted'] for o in data('prune', folder, '--older-than', '5000w')]==[0, 0]
    assert data('rescue', folder)==[]
    assert run('stats', folder).stdout.split()[:2]==['tenant', 'pending']

@pytest.mark.parametrize('args,says', [
    (['show', '.', 'nobody'], "no job 'nobody'"), (['ls', 'nowhere'], 'neither a database file nor a directory'), (['ls', 'junk.db'], 'not a database'),
    (['ls', 'empty'], 'without tenants'), (['ls', '.', '--tenant', 'x'], "no tenant 'x'"), (['ls', '.', '--status', 'done'], "'done' is no status"),
    (['ls', '.', '--limit', '-1'], 'limit -1'), (['prune', '.', '--older-than', 'soon'], "'soon' is no duration"), (['worker', 'nomodule:w'], 'nomodule'),
    (['worker', 'os:nothing'], 'MODULE:NAME'), (['worker', 'os:sep'], 'is str and no Worker'), (['worker', ':'], 'MODULE:NAME')])
def test_mistakes(folder, args, says):
    "One clear line on stderr, exit code 2, no traceback"
    (folder/'empty').mkdir()
    if 'junk' in args[1]: (folder/'junk.db').write_text('this is no database, it is only text. '*40)
    res = run(*args, cwd=folder)
    assert res.returncode==2 and res.stdout=='' and says in res.stderr and len(res.stderr.splitlines())==1

def test_usage_teaches():
    assert run().returncode==2 and run('prune', '.').returncode==2
    res = run('--help')
    assert res.returncode==0 and all(o in res.stdout for o in ('ls', 'show', 'retry', 'cancel', 'prune', 'stats', 'rescue', 'worker', 'exit code'))
    assert 'example: tenant-tasks prune data --older-than 30d' in run('prune', '--help').stdout

def test_text_of_jobs_does_a_terminal_no_harm(folder):
    manager = manager_at(folder/'acme.db')
    job_id,_ = manager.submit('\x1b[2J\x1b]0;owned\x07', print, note='\x1b[31m\r\u202e')
    for args in (['ls', folder], ['show', folder, job_id]):
        out = run(*args).stdout
        assert '\\x1b[2J' in out and not [c for c in out if not c.isprintable() and c!='\n']

def test_closed_pipe(folder):
    res = subprocess.run(f'{sys.executable} -c "{cmd[2]}" ls {folder} | true', shell=True, capture_output=True, text=True, timeout=30)
    assert res.stderr==''

def test_worker_process(folder):
    "It runs the tasks of its module, and ends with 0 on SIGTERM"
    (folder/'myapp.py').write_text('''
from tenant_tasks import *
@task
def greet(name): return f'hello {name}'
worker = Worker('.', look_every=.05)
if __name__!='myapp': Tenants('.')['idle'].submit('greet', greet, name='ann')
''')
    env = dict(os.environ, PYTHONPATH=str(root))
    proc = subprocess.Popen([*cmd, 'worker', 'myapp:worker'], cwd=folder, env=env, stderr=subprocess.PIPE, text=True)
    try:
        subprocess.run([sys.executable, 'myapp.py'], cwd=folder, env=env, check=True, timeout=30)
        manager,end = manager_at(folder/'idle.db'),time.monotonic()+10
        while manager.job_stats()['completed']<1 and time.monotonic()<end: time.sleep(.02)
        assert manager.list_jobs()[0].value=='hello ann'
        proc.send_signal(signal.SIGTERM)
        assert proc.wait(15)==0
        assert 'starts as' in proc.stderr.read()
    finally: proc.kill()
