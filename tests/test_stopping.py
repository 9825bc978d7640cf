"How a worker ends: by `stop`, a signal, a failure, what a job does; and what becomes of the jobs that run then"
import asyncio,os,signal,threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager,contextmanager
from dataclasses import replace

import pytest
from helpers import end,program,serving,until,wait_until,working

from tenant_tasks import BackgroundTaskManager,Tenants,Worker,task
from tenant_tasks.fleet.checks import Pulse
from tenant_tasks.fleet.supervisor import Restarts
from tenant_tasks.jobs.retry import Stopped,free_deaths,stop_costs
from tenant_tasks.run.attempt import finish
from tenant_tasks.run.peers import live_workers
from tenant_tasks.run.process import Process

pytestmark = pytest.mark.skipif(not hasattr(os, 'fork'), reason='no fork on this system')

def worker_on(tenants, **kw): return Worker(tenants, **{**dict(look_every=.05, grace=.05), **kw})

@pytest.fixture
def acme(tenants): return tenants['acme']

def has_ended(manager): return not any(manager.job_stats()[o] for o in ('pending', 'running'))

def submitted(manager, name, max_retries=1, **kw):
    "Submit a job for a task of another program"
    job_id = manager.submit(name, lambda **kw: None, max_retries=max_retries, **kw)[0]
    manager.db.t.tenant_jobs.update(dict(id=job_id, task=name, owner=None))
    return job_id

@contextmanager
def hostile(what, folder):
    proc = program('hostile', what, folder, PYTHONUNBUFFERED='')
    try: yield proc
    finally: end(proc)

# -- what a job raises

def test_nothing_that_a_job_raises_ends_a_web_server(tmp_path):
    "SystemExit and KeyboardInterrupt in tasks that a job has started, on both event loops"
    with hostile('web', tmp_path) as proc: assert proc.communicate(timeout=60)[0].split()==['failed']*8+['lives']

def test_no_job_ends_a_worker(tenants, acme, tmp_path):
    "Nor one that stops the event loop; jobs of other tenants run on in the same process"
    ids = [submitted(acme, o) for o in ('gathers', 'exits', 'groups', 'stops_loop', 'calls_back')]
    with hostile('worker', tmp_path) as proc:
        wait_until(lambda: has_ended(acme))
        calm = submitted(tenants['globex'], 'calm')
        wait_until(lambda: has_ended(tenants['globex']))
        assert tenants['globex'].get_job(calm).value==proc.pid
    assert [acme.get_job(o).status for o in ids]==['failed', 'failed', 'failed', 'completed', 'completed']

@pytest.mark.parametrize('what,code', [('broken', 1), ('early', 0)])
def test_a_process_ends(tmp_path, what, code):
    "When its worker has failed, and when SIGTERM comes before its first step"
    with hostile(what, tmp_path) as proc: assert proc.wait(60)==code

def test_a_job_that_cancels_everything_spends_an_attempt_each_time(acme, tmp_path):
    job_id = submitted(acme, 'cancels_all', max_retries=2)
    for _ in range(2):
        with hostile('worker', tmp_path) as proc: assert proc.wait(60)==1
    job = acme.get_job(job_id)
    assert (job.status, job.retry_count)==('failed', 2) and 'ProcessDied' in job.error_log

# -- stops are free so many times

def test_a_job_that_never_outlasts_a_stop_ends(acme):
    "Stops after progress are cheap"
    job_id,stops = acme.submit('sync', print, max_retries=2)[0],[]
    while a := acme.claim(job_id): stops.append(a.release().status)
    assert stops==['pending']*(free_deaths//stop_costs+1)+['failed']
    assert 'Stopped' in acme.get_job(job_id).error_log
    job_id,n = acme.submit('sync', print, max_retries=1)[0],0
    while a := acme.claim(job_id):
        a.step(f's{n}', lambda: n)
        n += 1
        a.release()
    assert n==free_deaths+1 and acme.get_job(job_id).status=='failed'

def test_a_job_that_sends_sigterm_to_its_worker(acme, tmp_path):
    "Its last stop that is free, and the first that isn't"
    job_id = submitted(acme, 'terminates')
    acme.db.t.tenant_jobs.update(dict(id=job_id, deaths=free_deaths-stop_costs))
    for status in ('pending', 'failed'):
        with hostile('worker', tmp_path) as proc: assert proc.wait(60)==0
        assert acme.get_job(job_id).status==status

# -- a worker that can't work

async def broken(*_): raise OSError('broken')
def no_thread(self): raise RuntimeError("can't start new thread")

@pytest.mark.parametrize('part', ['_dispatch', '_show', 'lookout', 'thread', '_finish'])
async def test_a_worker_ends_with_any_of_its_parts(tenants, acme, part, monkeypatch, logs):
    worker,start = worker_on(tenants),threading.Thread.start
    if part=='lookout': monkeypatch.setattr('tenant_tasks.fleet.lookout.Lookout.run', broken)
    elif part=='thread':
        monkeypatch.setattr(threading.Thread, 'start', lambda o: no_thread(o) if 'lookout' in o.name else start(o))
    else: monkeypatch.setattr(worker, part, broken)
    job_id,_ = acme.submit('nap', asyncio.sleep, delay=0)
    with pytest.raises((OSError, RuntimeError), match="broken|can't start"): await asyncio.wait_for(worker.run(), 60)
    assert not (acme.process.nudge(acme) or worker.nudge(acme) or live_workers(acme.folder))
    assert any('has failed' in o for o in logs('ERROR'))
    await until(lambda: not acme.process.attempts_of(job_id)) # On a busy machine, an outcome may be written later
    assert acme.get_job(job_id).status!='running'

def test_no_job_ends_a_site_whose_worker_runs_it(acme, tmp_path):
    "Nor one that stops the worker's loop, raises in a callback there, or cancels all tasks: the worker starts again"
    with serving('hostile', 'site', tmp_path) as (proc,get):
        def ended(*names):
            ids = [submitted(acme, o) for o in names]
            wait_until(lambda: get('up') and has_ended(acme), every=.1)
            return [acme.get_job(o).status for o in ids]
        assert ended('gathers', 'exits', 'stops_loop', 'calls_back')==['failed', 'failed', 'completed', 'completed']
        assert ended('cancels_all')==['failed'] and ended('calm')==['completed'] and 'true' in get('ops/health')
        assert acme.list_jobs()[0].value==proc.pid

async def test_a_worker_of_an_app_starts_again(tenants, acme, monkeypatch, logs):
    "After a pause, in which the app runs its jobs itself and says that its worker has failed"
    worker,dispatch,pause = worker_on(tenants),Worker._dispatch,[60]
    def died(self, now):
        self.due = now+pause[0]
        return pause[0]
    monkeypatch.setattr(Restarts, 'died', died)
    monkeypatch.setattr(Worker, '_dispatch', broken)
    async with asynccontextmanager(worker.lifespan)():
        await until(lambda: acme.process.failing)
        assert [o.check for o in Pulse(tenants).look()]==['worker']
        job_id,bg_task = acme.submit('note', lambda: 1)
        await bg_task()
        assert acme.get_job(job_id).value==1
    pause[0] = .3
    async with asynccontextmanager(worker.lifespan)():
        await until(lambda: len([o for o in logs('ERROR') if 'has failed' in o])>3)
        monkeypatch.setattr(Worker, '_dispatch', dispatch)
        await until(lambda: acme.process.listeners and not acme.process.failing)
        await acme.submit('note', lambda: 2)[1]()
        await until(lambda: acme.job_stats()['completed']==2)
        assert not Pulse(tenants).look()

@pytest.mark.filterwarnings('ignore::pytest.PytestUnhandledThreadExceptionWarning')
@pytest.mark.parametrize('error', [OSError, SystemExit])
async def test_files_are_looked_at_if_the_kernel_is_not_listened_to(tenants, acme, monkeypatch, error):
    "Whatever ends the thread that listens"
    def watch(self, stop): raise error('this file system tells nothing')
    monkeypatch.setattr(Tenants, 'watch', watch)
    ran = []
    async with working(worker_on(tenants)):
        await asyncio.sleep(.2)
        acme.submit('note', task(lambda: ran.append(1), name='stopping.note'))
        await until(lambda: ran)

async def test_jobs_come_back_from_a_worker_that_is_stopped_by_a_signal(tenants, acme, tmp_path, monkeypatch):
    monkeypatch.setattr(BackgroundTaskManager, 'left_for', BackgroundTaskManager.left_for*0)
    with hostile('worker', tmp_path) as proc:
        await until(lambda: live_workers(tmp_path) and live_workers(tmp_path)[0].tasks)
        proc.send_signal(signal.SIGSTOP)
        job_id,bg_task = acme.submit('note', task(lambda: os.getpid(), name='calm'))
        await bg_task()
        await until(lambda: acme.get_job(job_id).status=='completed')
        assert acme.get_job(job_id).value==os.getpid()

# -- the process lives on

def row_of(manager, job_id):
    job = manager.get_job(job_id)
    return job.status,job.retry_count

async def test_a_sync_job_outlasts_its_worker(tenants, acme):
    """It keeps its claim, no other worker of the process runs it beside it, and its outcome is written. A worker that
    stops takes no jobs"""
    go,calls = threading.Event(),[]
    @task(name='s.sync')
    def sync():
        calls.append(1)
        go.wait(60)
        return 'done'
    worker = worker_on(tenants)
    job_id,_ = acme.submit('sync', sync)
    async with working(worker):
        await until(lambda: calls)
        assert worker.nudge(acme)
        worker.stop()
        await until(lambda: not acme.process.listeners)
        assert not worker.nudge(acme)
    assert row_of(acme, job_id)==('running', 0) and len(acme.process.attempts_of(job_id))==1
    async with working(worker): await asyncio.sleep(.3)
    assert Tenants(acme.folder, process=Process())['acme'].rescue()==[]
    go.set()
    await until(lambda: acme.get_job(job_id).status=='completed')
    assert acme.get_job(job_id).value=='done' and calls==[1] and not acme.process.claims

async def test_an_async_job_that_swallows_its_cancellation_outlasts_its_worker(tenants, acme):
    go,calls = asyncio.Event(),[]
    @task(name='s.swallow')
    async def swallow():
        calls.append(1)
        while not go.is_set():
            try: await go.wait()
            except asyncio.CancelledError: calls.append('cancelled')
        return 'done'
    job_id,_ = acme.submit('async', swallow)
    async with working(worker_on(tenants)): await until(lambda: calls)
    seen = [*calls],row_of(acme, job_id),len(acme.process.attempts_of(job_id))
    go.set() # Before any assertion: the loop of a failed test couldn't end
    assert seen==([1, 'cancelled'], ('running', 0), 1)
    await until(lambda: acme.get_job(job_id).status=='completed')
    assert acme.get_job(job_id).value=='done' and calls.count(1)==1

async def test_the_loop_ends_before_a_sync_job(tenants, acme):
    "The thread writes the outcome itself"
    go,began = threading.Event(),threading.Event()
    @task(name='s.late')
    def late():
        began.set()
        go.wait(60)
        return 'done'
    job_id,_ = acme.submit('late', late)
    async def work():
        async with working(worker_on(tenants)):
            while not began.is_set(): await asyncio.sleep(.01)
    await asyncio.to_thread(asyncio.run, work())
    assert row_of(acme, job_id)==('running', 0)
    go.set()
    await until(lambda: acme.get_job(job_id).status=='completed')

go,began = threading.Event(),threading.Event()

@task(name='s.elsewhere')
def elsewhere():
    began.set()
    go.wait(60)

async def test_a_call_that_no_executor_can_stop(acme):
    "Its claim stays as long as the function runs"
    with ThreadPoolExecutor(1) as pool:
        a = acme.claim(acme.submit('elsewhere', elsewhere)[0])
        a.process = Process()
        a.process.set_executors(threads=pool)
        a.policy = replace(a.policy, on='threads')
        running = asyncio.ensure_future(finish(a))
        await until(began.is_set)
        a.stop(Stopped('the worker stopped'))
        await asyncio.sleep(.2)
        assert row_of(acme, a.id)==('running', 0) and not running.done()
        go.set()
        assert (await running).status=='completed'

def test_a_process_ends_though_a_job_swallows_its_cancellation(acme, tmp_path):
    job_id = submitted(acme, 'swallows')
    with hostile('worker', tmp_path) as proc:
        assert [proc.stdout.readline() for _ in range(2)]==['up\n', 'swallows\n']
        proc.send_signal(signal.SIGTERM)
        assert proc.wait(60)==0
    assert row_of(acme, job_id)==('pending', 0)

# -- signals and output

@pytest.mark.parametrize('name', ['h.forks', 'h.forks_on_cpu'])
def test_children_of_a_job_can_be_terminated(acme, tmp_path, name):
    kinds = {'fork':-15, 'spawn':-15, 'fork pool':[1], 'spawn pool':[1], 'fork executor':[1], 'subprocess':-15}
    ids = [submitted(acme, name, how=o) for o in kinds]
    with hostile('worker', tmp_path): wait_until(lambda: acme.job_stats()['completed']==len(ids), why=acme.list_jobs)
    assert [acme.get_job(o).value for o in ids]==list(kinds.values())

@pytest.mark.parametrize('owner', ['uvicorn.server', 'asyncio.unix_events', 'myapp'])
def test_a_child_gets_the_default_handlers_back(owner):
    "Those of a web server and of an event loop go; the app's own stay"
    def handler(*_): pass
    handler.__module__ = owner
    old = signal.signal(signal.SIGTERM, handler)
    try:
        pid = os.fork()
        if not pid: os._exit(int(signal.getsignal(signal.SIGTERM) is handler))
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])==int(owner=='myapp')
    finally: signal.signal(signal.SIGTERM, old)

def test_a_clean_stop_loses_no_output(acme, tmp_path):
    "Of the process, of its exit functions, and of the processes of an executor"
    job_id = submitted(acme, 'says')
    with hostile('silent', tmp_path) as proc:
        wait_until(lambda: acme.get_job(job_id).status=='completed')
        proc.send_signal(signal.SIGTERM)
        out,_ = proc.communicate(timeout=60)
    assert proc.returncode==0 and sorted(out.splitlines())==['at the end', 'said at the start', 'said by a process']

# -- contexts

@pytest.mark.parametrize('name', ['sets_context', 'asets_context', 'sets_context_on_cpu'])
def test_no_context_leaks_from_job_to_job(acme, tmp_path, name):
    "Variables and decimal arithmetic, in a thread, on the loop, and in a process of an executor"
    ids = [submitted(acme, name) for _ in range(3)]
    with hostile('worker', tmp_path): wait_until(lambda: acme.job_stats()['completed']==3)
    assert [acme.get_job(o).value for o in ids]==[['none', 30]]*3
