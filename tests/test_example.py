"The example as a user runs it: a real uvicorn, real HTTP, and the one place where 2 s and 4 s are really waited for"
import os,re,signal,subprocess,sys,time
from urllib.request import urlopen

from helpers import manager_at,root,script

def test_once():
    "Every line of the story is there, in order, and the waits are as promised"
    res = subprocess.run([sys.executable, root/'examples/app.py', '--once'], capture_output=True, text=True, timeout=60)
    assert res.returncode==0, res.stdout+res.stderr
    for tenant in ('acme', 'globex'):
        story = re.findall(rf'^([\d:.]+) {tenant} +import_csv +(\w+) +after (\d)', res.stdout, re.M)
        assert [o[1:] for o in story if o[1]!='running']==[('pending', '1'), ('pending', '2'), ('failed', '3')]
        assert re.search(rf'{tenant} +send_email +completed +after 2', res.stdout)
    assert 'all 8 jobs ended as they should, no tenant saw the other' in res.stdout

server = """
import asyncio,sys,time,uvicorn
from fasthtml.common import JSONResponse,fast_app
from fastlite import database
from tenant_tasks import BackgroundTaskManager
app,rt = fast_app(secret_key='x')
db = database(sys.argv[1])
def slow(secs): time.sleep(secs)
async def aslow(secs): await asyncio.sleep(secs)
def boom(): raise ValueError
@rt
def go():
    manager = BackgroundTaskManager(db)
    tasks = [manager.submit('slow', slow, secs=1), manager.submit('aslow', aslow, secs=60), manager.submit('boom', boom)]
    return 'submitted', *[o for _,o in tasks]
@rt
def plain():
    job_id,bg_task = BackgroundTaskManager(db).submit('boom', boom, 1)
    return JSONResponse(dict(job_id=job_id), background=bg_task)
@rt
def up(): return 'yes'
uvicorn.run(app, host='127.0.0.1', port=int(sys.argv[2]), log_level='warning', timeout_graceful_shutdown=3)
"""

def free_port():
    import socket
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]

def get(port, path):
    with urlopen(f'http://127.0.0.1:{port}/{path}', timeout=10) as res: return res.read().decode()

def started(path, port, src=server):
    proc = script(src, path, port)
    for _ in range(500):
        try:
            get(port, 'up')
            return proc
        except OSError: time.sleep(.02)
    proc.kill()
    raise AssertionError(proc.communicate())

def test_server_that_is_stopped_leaves_nothing_running(path):
    "SIGTERM while a sync job runs, which ends in the time it gets; the async one after it is interrupted, the third never starts"
    port = free_port()
    proc = started(path, port)
    try:
        assert get(port, 'go')=='submitted'
        manager = manager_at(path)
        end = time.monotonic()+10
        while manager.job_stats()['running']<1 and time.monotonic()<end: time.sleep(.01)
        os.kill(proc.pid, signal.SIGTERM)
        proc.wait(20)
    finally: proc.kill()
    jobs = {o.job_type:o for o in manager.list_jobs()}
    assert {k:(v.status, v.retry_count) for k,v in jobs.items()}==dict(slow=('completed', 0), aslow=('pending', 0), boom=('pending', 0))
    assert jobs['aslow'].started_at and not jobs['boom'].started_at

def test_server_answers_before_the_job_and_survives_it(path):
    port = free_port()
    proc = started(path, port)
    try:
        get(port, 'plain')
        manager,end = manager_at(path),time.monotonic()+10
        while manager.job_stats()['failed']<1 and time.monotonic()<end: time.sleep(.01)
        assert manager.list_jobs()[0].status=='failed' and get(port, 'up')=='yes'
    finally:
        proc.kill()
        proc.communicate()

worker_app = """
import asyncio,sys,time,uvicorn
from fasthtml.common import fast_app
from fastlite import database
from tenant_tasks import BackgroundTaskManager,Tenants,Worker,task
@task
def slow(secs): time.sleep(secs)
@task
async def aslow(secs): await asyncio.sleep(secs)
tenants = Tenants(sys.argv[1])
worker = Worker(tenants, grace=.5, look_every=.05)
app,rt = fast_app(secret_key='x', lifespan=worker.lifespan)
@rt
def go(secs:float):
    tasks = [tenants.create(o).submit(f.__name__, f, secs=secs) for o in ('acme', 'globex') for f in (slow, aslow)]
    return 'submitted', *[o for _,o in tasks]
@rt
def up(): return 'yes'
uvicorn.run(app, host='127.0.0.1', port=int(sys.argv[2]), log_level='warning')
"""

def test_worker_in_an_app(tmp_path):
    "A real server with a worker: SIGTERM comes while everything runs, nothing stays running, and the next server finishes it"
    port = free_port()
    proc = started(tmp_path, port, worker_app)
    try:
        assert get(port, 'go?secs=3')=='submitted'
        managers,end = [manager_at(str(tmp_path/f'{o}.db')) for o in ('acme', 'globex')],time.monotonic()+10
        while sum(o.job_stats()['running'] for o in managers)<4 and time.monotonic()<end: time.sleep(.01)
        os.kill(proc.pid, signal.SIGTERM)
        proc.wait(10)
    finally: proc.kill()
    jobs = [j for o in managers for j in o.list_jobs()]
    assert [(o.status, o.retry_count) for o in jobs]==[('pending', 0)]*4
    proc = started(tmp_path, free_port(), worker_app)
    try:
        end = time.monotonic()+15
        while sum(o.job_stats()['completed'] for o in managers)<4 and time.monotonic()<end: time.sleep(.02)
        assert [o.status for m in managers for o in m.list_jobs()]==['completed']*4
    finally:
        proc.kill()
        proc.communicate()
