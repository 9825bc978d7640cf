"Functions that a Dask cluster runs, or another library's pool: real schedulers and workers, some of which are killed"
import asyncio,os,re,socket,subprocess,sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import pytest
from fastcore.net import free_port
from helpers import end,program,programs,root,run,until,wait_until
from test_executors import at_work,manager_on,pids,start,tasks # chkstyle: ignore

import heavy
from tenant_tasks.run.executors import run_job

# A death ends a call, without a second one by Dask itself
settings = dict(DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES='0', DASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION='1.0')

class Cluster:
    "A scheduler, workers of one thread each, and a client"
    def __init__(self, folder, n=2, *args, timeout=20):
        from distributed import Client
        self.procs = []
        self.workers = {}
        self.log = Path(folder)/'dask.log'
        self.port = free_port()
        self.address = f'tcp://127.0.0.1:{self.port}'
        self.start_scheduler()
        self.start_workers(n, *args)
        self.client = Client(self.address, timeout=timeout, set_as_default=False)
        self.executor = self.client.get_executor(pure=False)
        self.client.wait_for_workers(n, 20)
        self.client.run(lambda: bool(__import__('heavy'))) # So that a timeout of a test doesn't count the imports
        self.executor.submit(run_job, '{}').result(60) # Those of the scheduler too

    def start(self, *args):
        env = dict(os.environ, **settings, PYTHONPATH=os.pathsep.join(map(str, (root, root/'tests'))))
        cmd = [sys.executable, '-m', 'dask', *map(str, args), '--no-dashboard']
        with open(self.log, 'a') as log: proc = subprocess.Popen(cmd, env=env, stdout=log, stderr=log)
        self.procs.append(proc)
        return proc

    def start_scheduler(self):
        self.scheduler = self.start('scheduler', '--host', '127.0.0.1', '--port', self.port)
        wait_until(self.answers, 20, why=self.log.read_text)

    def answers(self):
        with socket.socket() as s: return s.connect_ex(('127.0.0.1', self.port))==0

    def start_workers(self, n=1, *args):
        for _ in range(n):
            proc = self.start('worker', self.address, '--no-nanny', '--nthreads', 1, *args)
            self.workers[proc.pid] = proc

    def kill(self, pid):
        self.workers[pid].kill()
        self.workers.pop(pid).wait()

    def close(self):
        self.client.close()
        for o in self.procs: o.kill()
        for o in self.procs: o.wait()

@contextmanager
def running(*args, **kw):
    res = Cluster(*args, **kw)
    try: yield res
    finally: res.close()

@pytest.fixture(scope='module')
def shared(tmp_path_factory):
    "For tests that kill nothing"
    with running(tmp_path_factory.mktemp('dask')) as res: yield res

@pytest.fixture
def cluster(tmp_path):
    with running(tmp_path) as res: yield res

def with_effects(path, executor):
    res = manager_on(path, executor)
    res.db.t.effects.create(n=int, pid=int)
    return res

@pytest.fixture
def manager(path, shared): return with_effects(path, shared.executor)

def said(file): return file.read_text() if file.exists() else ''

def check_ledger(manager, tmp_path, ids):
    "Nothing is lost, and each run after the first one is due to a death"
    for k,job_id in ids.items():
        job = manager.get_job(job_id)
        assert job.status=='completed' and len(pids(tmp_path/k))==1+job.retry_count+job.deaths, (k, job)

# -- a cluster that lives

@pytest.mark.parametrize('func', [heavy.tell, heavy.atomic, heavy.apid], ids=['current_job', 'atomic', 'async'])
async def test_current_job_works_in_full(manager, shared, func):
    job = await run(manager, func)
    assert job.status=='completed', job.error_log
    if func is heavy.apid: assert job.value[0] in shared.workers
    else: assert [o['pid'] in shared.workers for o in manager.db.q('SELECT pid FROM effects')]==[True]
    if func is heavy.tell: assert (job.value, job.progress)==([[dict(n=1)], 42, job.id, 1], .9)

@pytest.mark.slow
@pytest.mark.parametrize('kw', [dict(pure=False), dict(pure=True), {}, dict(pure=False, retries=5)], ids=str)
async def test_equal_jobs_both_run(path, shared, tmp_path, kw):
    "Whatever the executor says of pure functions: the text of a call has its claim, so no two calls are equal"
    manager = manager_on(path, shared.client.get_executor(**kw))
    held = dict(path=str(tmp_path/'here'), go=str(tmp_path/'go'))
    (tmp_path/'go').touch()
    for _ in range(2): assert (await run(manager, heavy.hold, **held)).status=='completed'
    await asyncio.gather(*[run(manager, heavy.hold, **held) for _ in range(2)])
    assert len(pids(tmp_path/'here'))==4
    assert (await run(manager, heavy.end, 1, how='odd')).retry_count==1

# -- deaths

async def two_that_hold(manager, folder):
    "Two jobs that run until there is a file `go`: their ids"
    def submit(k): return manager.submit('heavy', heavy.hold, path=str(folder/k), go=str(folder/'go'))[0]
    ids = {k:submit(k) for k in ('first', 'second')}
    await until(lambda: all(pids(folder/o) for o in ids))
    return ids

@pytest.mark.slow
async def test_a_killed_scheduler(path, cluster, tmp_path, logs):
    "Its jobs come back as deaths; the client waits for a new scheduler at the same address, and so do they"
    manager = manager_on(path, cluster.executor)
    async with at_work(path, cluster.executor):
        ids = await two_that_hold(manager, tmp_path)
        cluster.scheduler.kill()
        cluster.scheduler.wait()
        await until(lambda: all(manager.get_job(o).retry_count==1 for o in ids.values()))
        await until(lambda: all(manager.get_job(o).status=='running' for o in ids.values()))
        lost = "executor 'cpu' lost its call: CancelledError; the Dask client is connecting"
        assert [o for o in logs('WARNING') if lost in o]
        for o in list(cluster.workers): cluster.kill(o)
        cluster.start_scheduler()
        cluster.start_workers(2)
        (tmp_path/'go').touch()
        await until(lambda: all(manager.get_job(o).status=='completed' for o in ids.values()), 20)
    check_ledger(manager, tmp_path, ids)
    assert [manager.get_job(o).retry_count for o in ids.values()]==[1, 1]

@pytest.mark.slow
async def test_a_scheduler_that_never_comes_back(path, tmp_path, shared, monkeypatch):
    "The client gives up after its timeout: jobs fail after their usual waits, and a new client mends it"
    with running(tmp_path, 1, timeout=.5) as cluster:
        manager = manager_on(path, cluster.executor)
        assert (await run(manager, heavy.pid)).status=='completed'
        cluster.scheduler.kill()
        await until(lambda: cluster.client.status=='closed')
        job_id,_ = manager.submit('heavy', heavy.end, how='snooze')
        await manager.drain()
        job = manager.get_job(job_id)
        assert (job.status, job.retry_count)==('pending', 1) and job.run_at>job.started_at
        assert re.search("executor 'cpu' takes no calls: .*[Cc]los", job.error_log)
        failed = await run(manager, heavy.pid, 2)
        assert (failed.status, failed.retry_count)==('failed', 2)
        with pytest.raises(ValueError, match="executor 'cpu' must take calls, got .*[Cc]los"):
            manager.process.set_executors(cpu=cluster.executor)
        manager.process.set_executors(cpu=shared.executor)
        assert (await run(manager, heavy.pid)).status=='completed'

@pytest.mark.slow
async def test_the_claiming_process_is_killed(path, cluster, tmp_path):
    "Another one takes the job over; the function that still runs writes nothing"
    manager = with_effects(path, cluster.executor)
    job_id,_ = manager.submit('heavy', heavy.late, path=str(tmp_path/'late'), go=str(tmp_path/'go'))
    app = program('heavy_app', tmp_path, cluster.address)
    try: await until(lambda: pids(tmp_path/'late') or app.poll() is not None, 20)
    finally: _,err = end(app)
    assert pids(tmp_path/'late'), err
    async with at_work(path, cluster.executor):
        await until(lambda: len(pids(tmp_path/'late'))==2)
        (tmp_path/'go').touch()
        await until(lambda: manager.get_job(job_id).status=='completed')
    await until(lambda: len(said(tmp_path/'late.end').split())==2)
    assert sorted(said(tmp_path/'late.end').split())==['Cancel', 'committed'] and manager.db.t.effects.count==1
    check_ledger(manager, tmp_path, dict(late=job_id))
    assert manager.get_job(job_id).retry_count==1 and len(set(pids(tmp_path/'late')))==2

# -- another host

@pytest.mark.slow
async def test_another_host(path, tmp_path, tmp_path_factory):
    """It refuses what needs the file, although one with the same path may be there. Progress is an event of Dask, and
    the end of interest, be it a cancel or a timeout, a cancelled call"""
    (tmp_path/'go').touch()
    with running(tmp_path_factory.mktemp('far'), 2, '--preload', programs/'another_host.py') as far:
        manager = with_effects(path, far.executor)
        for func in (heavy.tell, heavy.atomic, heavy.late):
            kw = dict(path=str(tmp_path/'late'), go=str(tmp_path/'go')) if func is heavy.late else {}
            job = await run(manager, func, 1, **kw)
            assert job.status=='failed' and 'FileNotFoundError: a function that uses the tenant' in job.error_log
            assert 'must run on the host of the database' in job.error_log and not manager.db.t.effects.count
        for func,status in ((heavy.polite, 'cancelled'), (heavy.brief, 'failed')):
            here = tmp_path/status
            job_id,calling = start(manager, func, path=str(here))
            if func is heavy.polite:
                await until(lambda: manager.get_job(job_id).progress_note=='on the way')
                manager.cancel_job(job_id)
            await calling
            job = manager.get_job(job_id)
            assert job.status==status and (func is heavy.brief or job.progress==.5) and pids(here)
            await until(lambda: said(Path(f'{here}.end')).startswith(('Cancel: asked to stop', 'TimeoutError')))

# -- other pools

def loky():
    from loky import ProcessPoolExecutor
    return ProcessPoolExecutor(2)

def spawned(): return ProcessPoolExecutor(2, mp_context=get_context('spawn'))

@pytest.mark.slow
@pytest.mark.parametrize('make', [loky, spawned])
async def test_a_broken_pool_is_a_death(path, tmp_path, make):
    "Then it takes no calls; a new pool does"
    with make() as pool, make() as new:
        manager = with_effects(path, pool)
        assert (await run(manager, heavy.tell)).status=='completed'
        job = await run(manager, heavy.kill, path=str(tmp_path/'here'))
        assert (job.status, job.retry_count)==('failed', 3) and len(pids(tmp_path/'here'))==1
        first,*refused = [o['error'] for o in reversed(job.errors)]
        assert 'ProcessDied: the process on' in first and all('takes no calls' in o for o in refused)
        manager.process.set_executors(cpu=new)
        assert (await run(manager, heavy.pid)).status=='completed'
