"What an app calls and what runs after a response: what is refused, every interruption, and what other users notice"
import asyncio,threading,time
from contextlib import suppress
from datetime import timedelta
from importlib import import_module

import anyio,apsw,pytest
from fastlite import database
from helpers import Look,awork,boom,in_threads,manager_at,open_db,program,run,until,wait_until,work,write_lock
from starlette.background import BackgroundTask,BackgroundTasks

from tenant_tasks.attempt import current_job
from tenant_tasks.job import BadPayload,TenantJob,max_json,utcnow
from tenant_tasks.link import runner
from tenant_tasks.manager import BackgroundTaskManager,JobNotFound,JobStateError
from tenant_tasks.process import Process,this_process
from tenant_tasks.task import task

task_threads = this_process.task_threads

# -- what submit takes, and what it refuses

def test_killed_after_submit(path):
    "The process dies without a chance to close anything: each id that it printed is there"
    proc = program('submit', path, 20, 'die')
    ids = proc.communicate(timeout=30)[0].split()
    assert len(ids)==20 and proc.returncode==-9
    jobs = manager_at(path).list_jobs()
    assert [o.id for o in jobs]==ids[::-1] and {o.status for o in jobs}=={'pending'}

@pytest.mark.parametrize('bad,error,says', [
    (dict(job_type=''), ValueError, "`job_type` must be a string that isn't blank, got ''"),
    (dict(job_type=' '), ValueError, "`job_type` must be a string that isn't blank, got ' '"),
    (dict(job_type=3), ValueError, "`job_type` must be a string that isn't blank, got 3"),
    (dict(task_func=None), TypeError, '`task_func` must be a function or an async function, got None'),
    (dict(max_retries=0), ValueError, '`max_retries` must be an int ≥ 1, got 0'),
    (dict(max_retries=1.5), ValueError, '`max_retries` must be an int ≥ 1, got 1.5; arguments for the function must be passed by name'),
    (dict(max_retries=True), ValueError, '`max_retries` must be an int ≥ 1, got True'),
    (dict(when=utcnow()), BadPayload, "argument 'when' must be None"), (dict(rate=float('inf')), BadPayload, "argument 'rate' must be"),
    (dict(deep=[dict(a=b'x')]), BadPayload, "argument 'deep' must be"),
    (dict(text='x'*max_json), BadPayload, 'arguments must be at most 1,048,576 bytes of JSON, got 1,048,5')])
def test_bad_input_writes_nothing(manager, bad, error, says):
    with pytest.raises(error) as e: manager.submit(**{**dict(job_type='sync', task_func=work), **bad})
    assert says in str(e.value) and manager.list_jobs()==[]

def test_endless_nesting_is_refused(manager):
    loop = []
    loop.append(loop)
    with pytest.raises(BadPayload, match="argument 'loop'"): manager.submit('sync', work, loop=loop)

def test_manager_needs_a_database(path):
    with pytest.raises(TypeError, match='`db` must be a fastlite Database'): BackgroundTaskManager(path)

def test_unique_key_over_connections(path):
    "Eight threads with a connection each make one job; the key is free once the job has ended"
    database(path)
    def submit(): return BackgroundTaskManager(open_db(path)).using(unique_key='daily').submit('report', work)[0]
    ids = in_threads(*[(submit,)]*8)
    assert len(ids)==8 and len(set(ids))==1
    manager = manager_at(path)
    manager.cancel_job(ids[0])
    other,_ = manager.using(unique_key='daily').submit('report', work)
    assert other!=ids[0]
    with pytest.raises(ValueError, match="unique key 'daily'"): manager.retry_job(ids[0])

def test_sql_in_values_is_text(manager):
    evil = "x'; DROP TABLE tenant_jobs; --"
    job_id,_ = manager.using(unique_key=evil).submit(evil, work, **{evil:evil})
    assert manager.get_job(job_id).kwargs=={evil:evil} and len(manager.list_jobs(job_type=evil))==1
    with pytest.raises(JobNotFound): manager.get_job(evil)

# -- what runs after a response

async def test_run_after_rollback(manager, logs):
    with suppress(ZeroDivisionError), manager.db.conn:
        _,bg_task = manager.submit('sync', work)
        1/0
    await bg_task()
    assert 'rolled back' in logs('INFO')[0]

async def test_two_awaits_run_once(manager):
    runs = []
    async def f():
        runs.append(1)
        await asyncio.sleep(.01)
    _,bg_task = manager.submit('sync', f)
    await asyncio.gather(bg_task(), bg_task(), bg_task())
    await bg_task()
    assert runs==[1]

async def test_two_awaits_of_a_retry_run_each_attempt_once(path):
    manager,runs = manager_at(path, backoff=lambda n: .01),[]
    def f():
        runs.append(1)
        raise ValueError
    job_id,bg_task = manager.submit('sync', f)
    await asyncio.gather(bg_task(), bg_task(), bg_task())
    assert len(runs)==3 and manager.get_job(job_id).retry_count==3

async def test_response_goes_on(manager):
    "The other tasks of a response run, whatever the job does"
    seen = []
    _,bad = manager.submit('sync', boom)
    manager.db.execute('DROP TABLE tenant_jobs')
    await BackgroundTasks([bad, BackgroundTask(seen.append, 'next')])()
    assert seen==['next']

async def test_delayed_job_waits(manager, clock):
    _,bg_task = manager.using(delay=150).submit('sync', work)
    await bg_task()
    assert clock.slept==[60, 60, 30]

async def test_cancelled_while_it_waits(manager, clock):
    job_id,_ = manager.using(delay=150).submit('sync', work)
    real = clock.sleep
    async def sleep(secs):
        manager.cancel_job(job_id)
        await real(secs)
    manager.sleep = sleep
    await manager._execute_with_retry(job_id, work)
    assert manager.get_job(job_id).status=='cancelled' and len(clock.slept)==1

def test_functions_of_cancelled_jobs_are_forgotten(path):
    "In the end: the latest thousand may be retried"
    manager = manager_at(path, process=Process())
    manager.submit_many('sync', lambda n: n, [dict(n=n) for n in range(1500)])
    for o in manager.list_jobs(limit=1500): manager.cancel_job(o.id)
    assert len(manager.process._functions)==1000
    assert manager.process.function_of(manager.retry_job(manager.list_jobs(limit=1500)[-1].id))

async def test_a_cancel_that_is_rolled_back_stops_nothing(path):
    "Neither with the package's transaction nor with the app's own; a request that is committed is in the row"
    manager,go = manager_at(path),asyncio.Event()
    async def waits():
        await go.wait()
        current_job().check()
        return 'done'
    job_id,bg_task = manager.submit('sync', waits)
    running = asyncio.ensure_future(bg_task())
    await until(lambda: manager.get_job(job_id).status=='running')
    with pytest.raises(ValueError):
        async with manager.transaction():
            manager.cancel_job(job_id)
            raise ValueError
    manager.db.conn.execute('BEGIN IMMEDIATE')
    manager.cancel_job(job_id)
    manager.db.conn.execute('ROLLBACK')
    await asyncio.sleep(.05)
    assert not running.done() and not manager.get_job(job_id).cancel_requested
    async with manager.transaction(): manager.cancel_job(job_id)
    assert manager.get_job(job_id).cancel_requested and not running.done()
    go.set()
    await running
    assert manager.get_job(job_id).status=='cancelled'

async def test_a_running_job_that_was_asked_to_stop_is_not_retried(manager):
    def f():
        assert manager.cancel_job(job_id).cancel_requested
        raise ValueError
    job_id,bg_task = manager.submit('sync', f)
    await bg_task()
    job = manager.get_job(job_id)
    assert (job.status, job.retry_count)==('cancelled', 1)
    assert manager.retry_job(job_id).cancel_requested==0

# -- interruptions: a request is cancelled, a client goes away, the loop ends

@pytest.mark.parametrize('how', ['asyncio', 'anyio'])
@pytest.mark.parametrize('kind', ['sync', 'async'])
async def test_cancelled_request_runs_on(manager, kind, how):
    started,go = threading.Event(),threading.Event()
    def f():
        started.set()
        assert go.wait(5)
    async def af():
        started.set()
        while not go.is_set(): await asyncio.sleep(.005)
    job_id,bg_task = manager.submit('sync', f if kind=='sync' else af)
    if how=='asyncio':
        request = asyncio.ensure_future(bg_task())
        await until(started.is_set)
        request.cancel()
        with pytest.raises(asyncio.CancelledError): await request
    else:
        async with anyio.create_task_group() as group:
            group.start_soon(bg_task)
            await until(started.is_set)
            group.cancel_scope.cancel()
    assert manager.get_job(job_id).status=='running'
    go.set()
    await until(lambda: manager.get_job(job_id).status=='completed')

@pytest.mark.parametrize('kind', ['sync', 'async', 'cleanup', 'stubborn', 'waiting'])
def test_loop_ends(manager, kind):
    "The server's loop is shut down: released with the attempt refunded, or run to its end, but never left `running`"
    cleaned,started = [],threading.Event()
    def f():
        started.set()
        time.sleep(.2)
    async def af():
        started.set()
        try: await asyncio.sleep(10)
        except asyncio.CancelledError:
            if kind=='cleanup': await asyncio.sleep(.05)
            cleaned.append(1)
            if kind=='stubborn': return 'done after all'
            raise
    func = dict(sync=f, waiting=work).get(kind, af)
    job_id,bg_task = manager.using(delay=60 if kind=='waiting' else 0).submit('sync', func)
    if kind=='waiting': manager.sleep = anyio.sleep
    async def server():
        request = asyncio.ensure_future(manager._execute_with_retry(job_id, func))
        if kind!='waiting': await until(started.is_set)
        else: await asyncio.sleep(.05)
        request.cancel()
    asyncio.run(server())
    wait_until(lambda: manager.get_job(job_id).status!='running')
    job = manager.get_job(job_id)
    assert job.status==dict(sync='completed', stubborn='completed').get(kind, 'pending')
    assert job.retry_count==0 and job.claim is None
    if kind in ('async', 'cleanup', 'stubborn'): assert cleaned

# -- threads and locks

async def test_slow_jobs_leave_the_routes_their_threads(manager):
    "More slow jobs than there are threads for them; Starlette's own pool of 40 stays free"
    go,busy,most = threading.Event(),[],[]
    def slow():
        busy.append(1)
        most.append(len(busy))
        go.wait(5)
        busy.pop()
    tasks = [asyncio.ensure_future(o()) for _,o in manager.submit_many('slow', slow, [{}]*60)]
    await until(lambda: len(busy)==task_threads.size)
    assert await asyncio.wait_for(anyio.to_thread.run_sync(lambda: 'route'), 1)=='route'
    job = await asyncio.wait_for(run(manager, awork, a=1), 2)
    assert job.status=='completed' and manager.job_stats()['running']==task_threads.size
    go.set()
    await asyncio.gather(*tasks)
    assert max(most)==task_threads.size and manager.job_stats()['completed']==61

async def test_thread_limit_can_be_set(manager):
    busy,most,size = [],[],task_threads.size
    def slow():
        busy.append(1)
        most.append(len(busy))
        time.sleep(.01)
        busy.pop()
    task_threads.size = 3
    try: await asyncio.gather(*[o() for _,o in manager.submit_many('slow', slow, [{}]*12)])
    finally: task_threads.size = size
    assert max(most)==3

async def test_waiting_retries_hold_nothing(path):
    "500 jobs wait for their second attempt: they have no thread, and the database is free"
    manager,go = manager_at(path),asyncio.Event()
    async def sleep(secs): await go.wait()
    manager.sleep = sleep
    tasks = [asyncio.ensure_future(o()) for _,o in manager.submit_many('sync', boom, [{}]*500)]
    await until(lambda: sum(o.retry_count for o in manager.list_jobs(limit=500))==500, 20)
    await until(lambda: task_threads.in_use()==0 and not manager.store.link.lock.locked())
    other = apsw.Connection(path)
    other.execute('BEGIN EXCLUSIVE; COMMIT')
    for o in tasks: o.cancel()
    for o in asyncio.all_tasks()-{asyncio.current_task()}: o.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert manager.job_stats()['pending']==500

@pytest.fixture
def impatient(monkeypatch):
    "Runners wait only a moment for a lock"
    monkeypatch.setattr('tenant_tasks.store.runner', runner._replace(patience=.05))

async def test_locked_for_long(path, impatient, logs):
    "The database is locked for longer than a statement waits, at the claim and at the settling; the job comes through"
    manager = manager_at(path)
    ran,naps = [],[]
    def f(): ran.append(1)
    async def af(): ran.append(1)
    for func in (f, af):
        job_id,_ = manager.submit('sync', func)
        with write_lock(path) as release:
            async def sleep(secs):
                naps.append(secs)
                if len(naps)%3==0: release()
            manager.sleep = sleep
            await manager._execute_with_retry(job_id, func)
        assert manager.get_job(job_id).status=='completed'
    assert ran==[1, 1] and naps==[.2, .4, .8]*2
    assert 'try 3 of 20' in logs('WARNING')[0]

@pytest.mark.parametrize('kind', ['sync', 'async'])
async def test_locked_when_it_settles(path, impatient, kind):
    "The work is done and can't be written for a while: it isn't done again"
    manager,ran,held = manager_at(path),[],[]
    def lock():
        ran.append(1)
        held.append(write_lock(path))
        held.append(held[0].__enter__())
    async def alock(): lock()
    async def sleep(secs): held[1]()
    manager.sleep = sleep
    func = lock if kind=='sync' else alock
    job_id,_ = manager.submit('sync', func)
    try: await manager._execute_with_retry(job_id, func)
    finally: held[0].__exit__(None, None, None)
    assert ran==[1] and manager.get_job(job_id).status=='completed'

async def test_times_of_other_writers(path, clock):
    "Times without a zone, and things that are no times, in a table that another program has filled"
    look = Look(path, clock=clock)
    manager = look.manager
    for i,o in enumerate(['2026-11-23T11:00:00', '2026-11-23 11:00', 'yesterday', '', None]):
        manager.db.t.tenant_jobs.insert(dict(id=str(i), job_type='sync', status='pending', payload='{}', created_at=o))
        manager.db.t.tenant_jobs.insert(dict(id=f'r{i}', job_type='sync', status='running', payload='{}', started_at=o, created_at=o))
    assert manager.job_stats()['oldest_pending']>=3600
    assert manager.rescue()==[] and look.at_intervals()[-1]=={f'r{i}' for i in range(5)}
    for i in range(5): await manager._execute_with_retry(str(i), work)
    assert manager.job_stats()['completed']==5 and manager.list_jobs()._repr_markdown_()

# -- drain, retry, cancel

async def test_drain(path, clock):
    manager = manager_at(path, clock)
    order = []
    def f(n): order.append(n)
    manager.submit('a', f, n=1)
    manager.using(priority=5).submit('a', f, n=2)
    manager.using(delay=60).submit('a', f, n=3)
    assert await manager.drain()==2 and order==[2, 1]
    await clock.sleep(60)
    assert await manager.drain()==1 and await manager.drain()==0 and order==[2, 1, 3]

async def test_drain_leaves_what_it_does_not_know(path, clock, logs):
    manager = manager_at(path, clock)
    manager.db.t.tenant_jobs.insert(dict(id='foreign', job_type='sync', status='pending'))
    manager.submit('sync', work)
    assert await manager.drain()==1
    assert manager.get_job('foreign').status=='pending' and '1 due jobs' in logs('WARNING')[0]

async def test_retried_job_runs_again(manager):
    job = await run(manager, boom)
    manager.retry_job(job.id)
    assert await manager.drain()==1
    job = manager.get_job(job.id)
    assert (job.status, job.retry_count, len(job.errors))==('pending', 1, 4)

def test_wrong_state(manager):
    job_id,bg_task = manager.submit('sync', work)
    with pytest.raises(JobStateError, match='must be failed or cancelled to be retried, and job .* is pending'): manager.retry_job(job_id)
    asyncio.run(bg_task())
    for f in (manager.cancel_job, manager.retry_job):
        with pytest.raises(JobStateError, match='is completed'): f(job_id)
        with pytest.raises(JobNotFound, match="'nothing'"): f('nothing')

@task(name='m.note')
def note(): pass

def test_retry_needs_a_process_that_has_the_function(manager):
    dead = this_process.id.split('~')[0] + '~other~1~aa'
    job, = manager.store.submit([TenantJob('x', 'sync', 'failed', owner=dead, function='myapp.sync')])
    with pytest.raises(JobStateError, match='must be registered with @task to be retried by another process, and only process .*, which has died, had myapp.sync'): manager.retry_job(job.id)
    manager.db.execute("UPDATE tenant_jobs SET task='m.note' WHERE id='x'")
    assert manager.retry_job(job.id).status=='pending'

# -- lists and figures

def test_list(manager, clock):
    ids = [manager.submit('ab'[i%2], work)[0] for i in range(6)]
    manager.cancel_job(ids[0])
    assert [o.id for o in manager.list_jobs()]==ids[::-1]
    assert [o.id for o in manager.list_jobs('a', 'pending', 1)]==[ids[4]]
    assert [o.id for o in manager.list_jobs(status='cancelled')]==[ids[0]]
    assert manager.list_jobs('nothing')==[]
    for bad in (dict(status='done'), dict(limit=-1), dict(limit='3'), dict(limit=None), dict(job_type=''), dict(status=['failed'])):
        (name,value), = bad.items()
        with pytest.raises(ValueError) as e: manager.list_jobs(**bad)
        assert str(e.value).startswith(f'`{name}` must be ') and str(e.value).endswith(f', got {value!r}')

async def test_stats_and_prune(manager, clock):
    assert manager.job_stats()==dict(pending=0, running=0, completed=0, failed=0, cancelled=0, oldest_pending=None)
    await run(manager, work)
    manager.submit('sync', work)
    await clock.sleep(90)
    manager.using(delay=60).submit('sync', work)
    assert manager.job_stats()['oldest_pending']==90
    assert manager.prune(timedelta(seconds=91))==0 and manager.prune(timedelta(seconds=30))==1
    assert manager.job_stats()['pending']==2
    for bad in (30, timedelta(-1), None):
        with pytest.raises(ValueError, match='`older_than` must be a timedelta ≥ 0, got '): manager.prune(bad)

def test_shown_text_is_escaped(manager):
    "In Markdown, and in the HTML that the components bring"
    import_module('tenant_tasks.components')
    manager.submit('<script>alert(1)</script>', work)
    jobs = manager.list_jobs()
    shown = [jobs._repr_markdown_(), jobs[0]._repr_markdown_(), manager._repr_markdown_(), jobs[0]._repr_html_()]
    assert all(shown) and '<script' not in ''.join(shown)
