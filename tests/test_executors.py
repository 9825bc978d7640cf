"Functions that run in other processes: how they end, what stops them, and that a death takes nothing else with it"
import asyncio,json,operator,os,signal,time
from concurrent.futures import CancelledError,Future
from importlib import import_module
from pathlib import Path

import pytest
from fastlite import database
from helpers import end,is_alive,manager_at,program,run,slow,until,wait_until,working

from tenant_tasks import Processes,Tenants,Worker,on_event,task
from tenant_tasks.db.events import flush,off_event
from tenant_tasks.jobs.retry import ProcessDied,Raised
from tenant_tasks.run.process import Process

module = import_module('tenant_tasks.jobs.task')
others = set(module._tasks)
import heavy
own = {k:module._tasks.pop(k) for k in set(module._tasks)-others} # A worker of another test has no executor for them

@pytest.fixture(autouse=True)
def tasks(monkeypatch):
    for k,o in own.items(): k=='h.nowhere' or monkeypatch.setitem(module._tasks, k, o)

@pytest.fixture(params=[2])
def pool(request):
    "A pool of two processes"
    res = Processes(request.param)
    yield res
    for o in list(res._children): o.kill()
    res.shutdown(wait=False, cancel_futures=True)

one = pytest.mark.parametrize('pool', [1], indirect=True, ids=[''])

@pytest.fixture
def manager(path, pool): return manager_on(path, pool)

def manager_on(path, pool, **kw):
    "A manager in a process of its own, whose executor is `pool`"
    process = Process(**kw)
    process.set_executors(cpu=pool)
    return manager_at(path, process=process)

def at_work(path, pool, **kw):
    "A worker with a process of its own"
    process = Process()
    kw = dict(look_every=.05, executors=dict(cpu=pool)) | kw
    worker = Worker(Tenants(Path(path).parent, process=process), process=process, **kw)
    return working(worker)

def pids(file): return [int(o) for o in Path(file).read_text().split()] if Path(file).exists() else []

def start(manager, func, **kw):
    "Submit a job and run it in the background: its id, and the asyncio task"
    job_id,bg_task = manager.submit('heavy', func, **kw)
    return job_id,asyncio.ensure_future(bg_task())

# -- how they end

async def test_current_job_works_in_full(manager):
    manager.db.t.effects.create(n=int, pid=int)
    job = await run(manager, heavy.tell)
    assert job.value==[[dict(n=1)], 42, job.id, 1] and (job.progress, job.progress_note)==(.9, 'late')
    assert [o.name for o in manager.steps_of(job.id)]==['one', 'at']
    pid, = [o['pid'] for o in manager.db.q('SELECT pid FROM effects')]
    assert pid!=os.getpid() and len(os.listdir(Path(manager.folder)/'.tenant_tasks'))==1
    for o in ('acme', 'globex'): # The name that the app has for it, which may not be that of its file
        manager.store.tenant = o
        assert (await run(manager, heavy.whose)).value==o

@pytest.mark.parametrize('how,status,says', [('useless', 'completed', ''), ('odd', 'pending', 'heavy.Odd: 1'),
    ('mute', 'pending', 'Mute'), ('exit', 'pending', 'SystemExit: 3'), ('os', 'pending', 'OSError: no route'),
    ('key', 'cancelled', "cancelled: 'gone'"), ('value', 'failed', 'ValueError: bad'),
    ('cancel', 'cancelled', 'cancelled: not wanted'), ('snooze', 'pending', '')])
async def test_outcomes(manager, how, status, says):
    "The task's policy decides, and nothing that can't be pickled does harm"
    job_id,_ = manager.submit('heavy', heavy.end, how=how)
    await manager.drain()
    job = manager.get_job(job_id)
    assert job.status==status and says in (job.error_log or '')
    assert job.retry_count==(how in ('odd', 'mute', 'exit', 'os', 'value'))
    if how=='useless': assert job.value=='useless'
    if job.retry_count: assert '/heavy.py' in job.error_log and '/executors.py' not in job.error_log
    assert (await run(manager, heavy.pid)).status=='completed'

@pytest.mark.parametrize('fail', [False, True])
async def test_atomic(manager, fail):
    "All or nothing is written by another process; the one that has claimed the job tells its end, once"
    seen = []
    on_event(seen.append)
    manager.db.t.effects.create(n=int, pid=int)
    job = await run(manager, heavy.atomic, max_retries=1, fail=fail)
    assert flush(10)
    off_event(seen.append)
    assert [o.move for o in seen]==['submit', 'claim', 'fail' if fail else 'complete'] and seen[-1].job==job
    assert job.status==('failed' if fail else 'completed') and manager.db.t.effects.count==(not fail)
    assert not manager.process.claims

@one
async def test_a_child_that_returns_from_a_job_answers_nothing(path, pool):
    "It ends when it leaves the function, and the next call in the same process gets its own answer"
    job = await run(manager_on(path, pool), heavy.fork_late, secs=.5)
    assert job.status=='completed' and is_alive(job.value)
    assert pool.submit(heavy.nap, 1).result(20)=='rested' and not is_alive(job.value)

@pytest.mark.slow
@one
async def test_a_process_without_memory_runs_no_other_job(path, pool):
    manager = manager_on(path, pool)
    first = (await run(manager, heavy.pid)).value
    job = await run(manager, heavy.greedy)
    assert job.status=='failed' and 'MemoryError' in job.error_log
    last = await run(manager, heavy.pid, 1)
    assert (last.status, last.retry_count)==('completed', 0) and last.value!=first and not is_alive(first)

# -- what stops them

@pytest.mark.parametrize('how', ['regex', *slow('sleep', 'python', 'child')])
async def test_a_timeout_is_hard(manager, tmp_path, how):
    "Each attempt is counted, and its process killed, with what it has started; the next job runs"
    job = await run(manager, heavy.short, path=str(tmp_path/'here'), how=how)
    assert (job.status, job.retry_count)==('failed', 2)
    assert [o['error'] for o in job.errors]==['TimeoutError: took longer than 0.3 s']*2
    there = pids(tmp_path/'here')
    assert len(set(there))==(4 if how=='child' else 2)
    await until(lambda: not any(map(is_alive, there)))
    assert (await run(manager, heavy.pid)).value not in there
    assert 'TimeoutError: took longer than 0.3 s' in (await run(manager, heavy.ashort)).error_log

@pytest.mark.parametrize('how', ['regex', *slow('sleep', 'python')])
@pytest.mark.parametrize('elsewhere', [False, True], ids=['here', 'another process'])
async def test_cancel(manager, tmp_path, how, elsewhere):
    job_id,running = start(manager, heavy.hang, path=str(tmp_path/'here'), how=how)
    await until(lambda: pids(tmp_path/'here'))
    asks = manager_at(manager.store.link.path, process=Process()) if elsewhere else manager
    asks.cancel_job(job_id)
    await running
    job = manager.get_job(job_id)
    assert (job.status, job.retry_count)==('cancelled', 0)
    await until(lambda: not is_alive(*pids(tmp_path/'here')))

@one
async def test_jobs_that_wait_for_a_process(path, pool, tmp_path):
    "They hold no thread; one is cancelled and never begins, and the wait counts for no timeout of the other"
    manager = manager_on(path, pool)
    _,first = start(manager, heavy.hold, path=str(tmp_path/'first'), go=str(tmp_path/'go'))
    await until(lambda: pids(tmp_path/'first'))
    cancelled,second = start(manager, heavy.hang, path=str(tmp_path/'second'), how='sleep')
    timed,third = start(manager, heavy.short, path=str(tmp_path/'third'), how='sleep')
    await until(lambda: manager.job_stats()['running']==3)
    assert manager.process.task_threads.in_use()==0
    manager.cancel_job(cancelled)
    await second
    await asyncio.sleep(.5)
    (tmp_path/'go').touch()
    await until(lambda: len(pids(tmp_path/'third'))==1)
    assert manager.get_job(timed).retry_count==0
    await asyncio.gather(first, third)
    assert manager.get_job(cancelled).status=='cancelled' and not pids(tmp_path/'second')

async def test_stop_with_grace(path, pool, tmp_path):
    "One job ends in it. The other, twice, is pending again, its attempt isn't counted, and its process is gone"
    manager = manager_on(path, pool)
    async with at_work(path, pool, grace=60):
        ends,_ = manager.submit('heavy', heavy.hold, path=str(tmp_path/'held'), go=str(tmp_path/'go'))
        await until(lambda: pids(tmp_path/'held'))
        asyncio.get_running_loop().call_later(.2, (tmp_path/'go').touch)
    assert manager.get_job(ends).value=='went on'
    job_id,_ = manager.submit('heavy', heavy.hang, path=str(tmp_path/'here'), how='regex')
    for n in (1, 2):
        async with at_work(path, pool, grace=.2): await until(lambda: len(pids(tmp_path/'here'))==n)
        job = manager.get_job(job_id)
        assert (job.status, job.retry_count, job.claim)==('pending', 0, None)
        await until(lambda: not any(map(is_alive, pids(tmp_path/'here'))))

# -- deaths

@pytest.mark.parametrize('code,says', [(None, 'was killed by SIGKILL'),
    *slow((3, 'ended with exit code 3'), (0, 'ended with exit code 0'))])
async def test_a_job_that_kills_its_process(manager, tmp_path, logs, code, says):
    "It spends its own attempts, and no other job's: those beside it and behind it complete at their first"
    held,holding = start(manager, heavy.hold, path=str(tmp_path/'held'), go=str(tmp_path/'go'))
    await until(lambda: pids(tmp_path/'held'))
    poison,dying = start(manager, heavy.kill, path=str(tmp_path/'here'), code=code)
    queued = [start(manager, heavy.pid) for _ in range(5)]
    await dying
    (tmp_path/'go').touch()
    await asyncio.gather(holding, *[o for _,o in queued])
    job = manager.get_job(poison)
    assert (job.status, job.retry_count)==('failed', 3) and all(says in o['error'] for o in job.errors)
    assert len(set(pids(tmp_path/'here')))==3 and len([o for o in logs('WARNING') if says in o])==3
    others = [manager.get_job(o) for o in (held, *[k for k,_ in queued])]
    assert {(o.status, o.retry_count) for o in others}=={('completed', 0)}

class Engine:
    def __init__(self, how): self.how = how
    def submit(self, f, *args):
        if isinstance(self.how, Exception): raise self.how
        res = Future()
        self.how(res)
        return res

@pytest.mark.parametrize('how', [lambda o: (o.cancel(), o.set_running_or_notify_cancel()),
    lambda o: o.set_exception(CancelledError()), lambda o: o.set_exception(asyncio.CancelledError()),
    lambda o: o.set_result('no JSON'), lambda o: o.set_result(None),
    RuntimeError('cannot schedule new futures after shutdown')])
async def test_an_end_of_the_engine_is_a_death(path, how):
    job = await run(manager_on(path, Engine(how)), heavy.pid)
    assert (job.status, job.retry_count)==('failed', 3) and 'ProcessDied' in job.error_log

# -- finding executor and task

async def test_an_executor_that_is_not_there(path, pool, monkeypatch):
    monkeypatch.setitem(module._tasks, 'h.nowhere', own['h.nowhere'])
    manager = manager_on(path, pool)
    says = "`on` of task 'h.nowhere' must be the name of an executor .*, got 'nowhere', known: cpu"
    with pytest.raises(ValueError, match=says): manager.submit('heavy', heavy.nowhere)
    assert not manager.list_jobs()
    with pytest.raises(ValueError, match="known: cpu"):
        async with at_work(path, pool): pass

@pytest.mark.parametrize('src,says', [('x = 1', 'UnknownTask'),
    *slow((None, 'ModuleNotFoundError'), ('import no_such_module', 'ModuleNotFoundError'))])
async def test_a_module_that_is_not_there(manager, tmp_path, monkeypatch, src, says):
    "Each try spends an attempt, as another process of the executor may have it"
    file = tmp_path/f'gone_{len(src or "")}.py'
    file.write_text("from tenant_tasks import task\n@task(on='cpu', name='h.gone')\ndef gone(): pass")
    monkeypatch.syspath_prepend(tmp_path)
    func = __import__(file.stem).gone
    if src: file.write_text(src)
    else: file.unlink()
    job = await run(manager, func)
    del module._tasks['h.gone']
    assert (job.status, job.retry_count)==('failed', 3)
    assert "can't find the task" in job.error_log and says in job.error_log

def test_bad_values(manager):
    space = dict(task=task, __name__='__main__')
    exec("@task(on='cpu', name='h.cell')\ndef cell(): pass", space)
    with pytest.raises(ValueError, match='from a notebook or an interactive'): manager.submit('heavy', space['cell'])
    del module._tasks['h.cell']
    for o in (0, -1, 1.5, True):
        with pytest.raises(ValueError, match='`n` must be an int'): Processes(o)
    for o in ('', 4):
        with pytest.raises(ValueError, match='`on` must be a string'): task(on=o, name='h.lambda')(lambda: 0)
    assert 'h.lambda' not in module._tasks

async def test_a_database_in_memory(pool):
    manager = manager_at(':memory:', process=Process())
    manager.process.set_executors(cpu=pool)
    assert (await run(manager, heavy.pid)).status=='completed'
    assert 'must be a file on the host' in (await run(manager, heavy.tell, 1)).error_log

# -- the pool itself

@pytest.mark.slow
def test_calls_are_a_future(pool):
    assert pool.submit(sorted, [1, 2], reverse=True).result()==[2, 1] and list(pool.map(abs, [-1, 2]))==[1, 2]
    with pytest.raises(Raised, match='ZeroDivisionError'): pool.submit(operator.truediv, 1, 0).result()
    with pytest.raises(Raised, match='not JSON serializable'): pool.submit(complex, 1).result()
    with pytest.raises(TypeError): pool.submit(abs, 1j)
    with pytest.raises(ValueError, match='must be a function of a module'): pool.submit(lambda: 0)
    good,doomed = [],[]
    for i in range(60): # Some are cancelled, at any instant: no other call fails
        o = pool.submit(time.sleep, .001*(i%7))
        if i%3: good.append(o)
        else:
            doomed.append(o)
            if i%2: time.sleep(.003*(i%11))
            o.cancel()
    for o in good: assert o.result(30) is None
    for o in doomed: assert o.cancelled() or isinstance(o.exception(30), (ProcessDied,type(None)))

@pytest.mark.slow
def test_a_call_may_last_and_a_process_may_not_hang(pool, monkeypatch):
    "Longer than a process may take to find a function"
    first = pool.submit(os.getpid).result()
    monkeypatch.setattr(Processes, 'find_within', 1)
    assert pool.submit(time.sleep, 1.5).result() is None
    os.kill(first, signal.SIGSTOP) # A process that hangs before it has the call is replaced
    assert pool.submit(os.getpid).result()!=first and not is_alive(first)

@pytest.mark.slow
def test_shutdown():
    with Processes(2) as pool:
        calls = [pool.submit(time.sleep, .2) for _ in range(4)]
        there = pool
    assert all(o.done() and o.exception() is None for o in calls) and not there._children
    with pytest.raises(RuntimeError, match='shut down'): there.submit(abs, 1)
    pool = Processes(1)
    first,*rest = [pool.submit(time.sleep, .2) for _ in range(4)]
    wait_until(first.running)
    pool.shutdown(cancel_futures=True)
    assert first.result() is None and all(o.cancelled() for o in rest)

# -- parents

@pytest.mark.parametrize('how', ['regex', *slow('sleep', 'python', 'child')])
def test_processes_die_with_their_parent(tmp_path, how):
    "Killed with SIGKILL, whatever the function is doing; then another process takes its job over"
    manager = manager_at(tmp_path/'acme.db')
    manager.submit('heavy', heavy.hang, path=str(tmp_path/'here'), how=how)
    proc = program('heavy_app', tmp_path)
    n = 2 if how=='child' else 1
    try: wait_until(lambda: len(pids(tmp_path/'here'))==n, why=lambda: proc.poll() and proc.communicate())
    finally: end(proc)
    wait_until(lambda: not any(map(is_alive, pids(tmp_path/'here'))))
    rescued, = manager.rescue()
    assert (rescued.status, rescued.retry_count)==('pending', 1)

@pytest.mark.slow
def test_a_task_of_the_main_script_and_a_fork(tmp_path):
    "A script without a guard for what it defines; a forked child has its own processes, and the parent keeps its own"
    database(tmp_path/'acme.db')
    proc = program('heavy_main', tmp_path)
    out,err = proc.communicate(timeout=60)
    assert proc.returncode==0, err
    res = json.loads(out)
    assert res['parent'][0]==res['parent'][1] and res['child'] not in res['parent'], err
    assert res['statuses']==['completed']*3, err

# -- the log

async def test_lines_of_another_process_are_there_while_it_runs_and_after(manager, tmp_path):
    "A thread over there writes them; what is left at the end comes along with the outcome"
    job_id,bg_task = manager.submit('talk', heavy.talk, path=str(tmp_path/'at'), go=str(tmp_path/'go'))
    running = asyncio.ensure_future(bg_task())
    await until(lambda: [o.text for o in manager.log_of(job_id)]==['here I am'], 30)
    assert manager.get_job(job_id).status=='running'
    (tmp_path/'go').touch()
    await running
    assert [(o.n, o.attempt, o.text) for o in manager.log_of(job_id)]==[(1, 1, 'here I am'), (2, 1, 'and gone')]

# -- places of a worker

async def test_jobs_that_wait_for_an_executor_hold_up_no_others(tmp_path, pool):
    "Of four times as many as the worker has places, it claims what the executor needs; short jobs run meanwhile"
    tenants,go = Tenants(tmp_path),tmp_path/'go'
    managers = [tenants.create(f't{i}') for i in range(4)]
    for m in managers: m.submit_many('heavy', heavy.hold, [dict(path=str(tmp_path/'here'), go=str(go))]*4)
    def of(kind, status): return sum(o.status==status for m in managers for o in m.list_jobs(kind))
    async with at_work(tmp_path/'t0.db', pool, concurrency=4, per_tenant=2):
        await until(lambda: len(pids(tmp_path/'here'))==2)
        for m in managers: m.submit_many('light', heavy.light, [dict(n=o) for o in range(5)])
        await until(lambda: of('light', 'completed')==20)
        assert 2<=of('heavy', 'running')<=8 and not of('heavy', 'completed')
        go.touch()
        await until(lambda: of('heavy', 'completed')==16)

@pytest.mark.slow
@one
async def test_tenants_take_turns_at_an_executor(tmp_path, pool):
    "All jobs run, though no look at the files helps; a tenant with few jobs doesn't wait for one with many"
    tenants = Tenants(tmp_path)
    many,*few = [tenants.create(f't{i}') for i in range(6)]
    many.submit_many('heavy', heavy.pid, [{}]*60)
    for m in few: m.submit_many('heavy', heavy.pid, [{}]*3)
    async with at_work(tmp_path/'t0.db', pool, look_every=60):
        await until(lambda: all(m.job_stats()['pending']+m.job_stats()['running']==0 for m in (many, *few)))
    last = max(o.started_at for m in few for o in m.list_jobs())
    assert sum(o.started_at<last for o in many.list_jobs(limit=100))<50
    assert all(o.status=='completed' and o.retry_count==0 for m in (many, *few) for o in m.list_jobs(limit=100))

@pytest.mark.slow
@one
async def test_jobs_go_on_when_a_call_of_another_runner_ends(tmp_path, pool):
    "The executor was full with jobs that the worker doesn't run"
    process = Process()
    tenants = Tenants(tmp_path/'served', process=process)
    mine = tenants.create('mine')
    other = manager_at(str(tmp_path/'other.db'), process=process)
    process.set_executors(cpu=pool)
    kw = dict(path=str(tmp_path/'here'), go=str(tmp_path/'go'))
    foreign = [start(other, heavy.hold, **kw)[1] for _ in range(2)]
    await until(lambda: len(process.claims)==2)
    async with working(Worker(tenants, process=process, look_every=60)):
        ids = [mine.submit('heavy', heavy.pid)[0] for _ in range(3)]
        await asyncio.sleep(.3)
        assert mine.job_stats()['pending']==3
        (tmp_path/'go').touch()
        await asyncio.gather(*foreign)
        await until(lambda: all(mine.get_job(o).status=='completed' for o in ids))
