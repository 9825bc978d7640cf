"What an app calls and what runs after a response: what is refused, every interruption, and what other users notice"
import asyncio,threading,time
from contextlib import suppress

import anyio,apsw,pytest
from helpers import Look,awork,boom,manager_at,program,run,until,wait_until,work,write_lock
from starlette.background import BackgroundTask,BackgroundTasks

from tenant_tasks import BadPayload,JobNotFound,JobStateError,Submitted,TenantJob,current_job
from tenant_tasks.db.sqlite import runner
from tenant_tasks.db.store import JobStore
from tenant_tasks.jobs.job import max_json
from tenant_tasks.run.execute import Runner
from tenant_tasks.run.process import Process,this_process

task_threads = this_process.task_threads

# -- what submit takes, and what it refuses

def test_killed_after_submit(path):
    "The process dies without a chance to close anything: each id that it printed is there"
    proc = program('submit', path, 20, 'die')
    ids = proc.communicate(timeout=30)[0].split()
    assert len(ids)==20 and proc.returncode==-9
    jobs = manager_at(path).list_jobs()
    assert [o.id for o in jobs]==ids[::-1] and {o.status for o in jobs}=={'pending'}

def test_values_are_text_or_refused(manager):
    "What is refused writes nothing; SQL in values is text"
    for kw,error,says in [(dict(max_retries=1.5), ValueError, 'got 1.5; arguments .* must be passed by name'),
        (dict(deep=[dict(a=b'x')]), BadPayload, "argument 'deep' must be"),
        (dict(text='x'*max_json), BadPayload, 'arguments must be at most 1,048,576 bytes of JSON, got 1,048,5')]:
        with pytest.raises(error, match=says): manager.submit('sync', work, **kw)
    assert manager.list_jobs()==[]
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

async def test_response_goes_on(manager):
    "The other tasks of a response run, whatever the job does"
    seen = []
    _,bad = manager.submit('sync', boom)
    manager.db.execute('DROP TABLE tenant_jobs')
    await BackgroundTasks([bad, BackgroundTask(seen.append, 'next')])()
    assert seen==['next']

@pytest.fixture
def reminders(path, monkeypatch):
    "300 jobs for in thirty days, which wait without a clock of the test, and how often one was to be claimed"
    monkeypatch.setattr(Runner, 'compare_every', .05)
    claims,claim = [],JobStore.claim
    monkeypatch.setattr(JobStore, 'claim', lambda self, *args: claims.append(args[0]) or claim(self, *args))
    manager = manager_at(path, process=Process())
    return manager,manager.using(delay=30*86400).submit_many('remind', lambda: 'sent', [{}]*300),claims

async def test_a_job_that_waits_is_no_asyncio_task(reminders):
    "Not of its own: there is that of the request, and none for jobs of one request; none tries a claim again"
    manager,jobs,claims = reminders
    before = len(asyncio.all_tasks())
    calls = [*[o() for _,o in jobs[:100]], Submitted(jobs[100:]).bg_task()]
    requests = [asyncio.ensure_future(o) for o in calls]
    await until(lambda: len({*claims})==300 and len(asyncio.all_tasks())-before<=102)
    await asyncio.sleep(.2) # Four comparisons; a machine that is busy for seconds may look at a job twice
    assert len(claims)<600 and len(asyncio.all_tasks())-before<=102
    for o in requests: o.cancel()
    await asyncio.gather(*requests, return_exceptions=True)

async def test_what_another_process_changes_while_jobs_wait(reminders, path):
    "It cancels one, lets one run now, and deletes one: their requests end, and no function of them is kept"
    manager,jobs,claims = reminders
    (cancelled,_),(early,_),(gone,_) = changed = jobs[:3]
    requests = [asyncio.ensure_future(o()) for _,o in changed]
    await until(lambda: len(claims)==3)
    other = manager_at(path, process=Process())
    other.cancel_job(cancelled)
    other.reschedule_job(early, delay=0)
    other.db.execute('DELETE FROM tenant_jobs WHERE id=?', (gone,))
    await until(lambda: all(o.done() for o in requests))
    assert manager.get_job(early).value=='sent' and len(claims)<=6
    assert [manager.process.kept(o) is None for o in (early, gone)]==[True, True]

async def test_jobs_do_not_start_all_at_once(path, monkeypatch):
    "Though one request brings them; a job that waits for another one is no reason to wait"
    monkeypatch.setattr(Runner, 'most', 10)
    manager,busy,most = manager_at(path),set(),[]
    async def outer(n):
        busy.add(n)
        most.append(len(busy))
        job_id,bg_task = manager.submit('inner', awork, n=n)
        await bg_task()
        busy.discard(n)
        return manager.get_job(job_id).value
    await manager.submit_many('outer', outer, [dict(n=n) for n in range(50)]).bg_task()
    assert max(most)==10 and {o.status for o in manager.list_jobs()}=={'completed'} and len(manager.list_jobs())==100

def test_functions_of_cancelled_jobs_are_forgotten(path):
    "In the end: the latest thousand may be retried"
    manager = manager_at(path, process=Process())
    ids = [o for o,_ in manager.submit_many('sync', lambda n: n, [dict(n=n) for n in range(1500)])]
    for o in ids: manager.cancel_job(o)
    known = [manager.process.function_of(manager.get_job(o)) is not None for o in ids]
    assert known==[False]*500+[True]*1000

async def test_a_cancel_that_is_rolled_back_stops_nothing(path):
    "Neither with the package's transaction nor with the app's own; a request that is committed is in the row"
    manager,go = manager_at(path),asyncio.Event()
    async def waits():
        await go.wait()
        current_job().check()
    job_id,bg_task = manager.submit('sync', waits)
    running = asyncio.ensure_future(bg_task())
    await until(lambda: manager.get_job(job_id).status=='running')
    for transaction in (manager.transaction(), manager.db.conn):
        with pytest.raises(ValueError), transaction:
            manager.cancel_job(job_id)
            raise ValueError
    await asyncio.sleep(.05)
    assert not running.done() and not manager.get_job(job_id).cancel_requested
    async with manager.transaction(): manager.cancel_job(job_id)
    assert manager.get_job(job_id).cancel_requested and not running.done()
    go.set()
    await running
    assert manager.get_job(job_id).status=='cancelled'

# -- interruptions: a request is cancelled, a client goes away, the loop ends

@pytest.mark.parametrize('how', ['asyncio', 'anyio'])
@pytest.mark.parametrize('kind', ['sync', 'async'])
async def test_cancelled_request_runs_on(manager, kind, how):
    started,go = threading.Event(),threading.Event()
    def f():
        started.set()
        assert go.wait(60)
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
    async def sleep(secs):
        started.set()
        await asyncio.sleep(secs)
    manager.sleep = sleep
    job_id,bg_task = manager.using(delay=60 if kind=='waiting' else 0).submit('sync', f if kind=='sync' else af)
    async def server():
        request = asyncio.ensure_future(bg_task())
        await until(started.is_set)
        request.cancel()
    asyncio.run(server())
    wait_until(lambda: manager.get_job(job_id).status!='running')
    job = manager.get_job(job_id)
    assert job.status=='completed' if kind in ('sync', 'stubborn') else job.status=='pending'
    assert job.retry_count==0 and job.claim is None and bool(cleaned)==(kind in ('async', 'cleanup', 'stubborn'))

# -- threads and locks

async def test_slow_jobs_leave_the_routes_their_threads(manager):
    "More slow jobs than there are threads for them; Starlette's own pool of 40 stays free"
    go,busy,most = threading.Event(),[],[]
    def slow():
        busy.append(1)
        most.append(len(busy))
        go.wait(60)
        busy.pop()
    tasks = [asyncio.ensure_future(o()) for _,o in manager.submit_many('slow', slow, [{}]*60)]
    await until(lambda: len(busy)==task_threads.size)
    assert await anyio.to_thread.run_sync(lambda: 'route')=='route'
    assert (await run(manager, awork, a=1)).status=='completed'
    assert manager.job_stats()['running']==task_threads.size
    go.set()
    await asyncio.gather(*tasks)
    assert max(most)==task_threads.size and manager.job_stats()['completed']==61

async def test_waiting_retries_hold_nothing(path):
    "500 jobs wait for their second attempt: they have no thread, and the database is free"
    manager,go = manager_at(path),asyncio.Event()
    async def sleep(secs): await go.wait()
    manager.sleep = sleep
    tasks = [asyncio.ensure_future(o()) for _,o in manager.submit_many('sync', boom, [{}]*500)]
    await until(lambda: sum(o.retry_count for o in manager.list_jobs(limit=500))==500, every=.2)
    await until(lambda: task_threads.in_use()==0 and not manager.store.link.lock.locked())
    apsw.Connection(path).execute('BEGIN EXCLUSIVE; COMMIT')
    for o in asyncio.all_tasks()-{asyncio.current_task()}: o.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert manager.job_stats()['pending']==500

@pytest.mark.parametrize('func', [work, awork])
async def test_locked_at_the_claim(path, monkeypatch, logs, func):
    "For longer than a statement waits: the job comes through"
    monkeypatch.setattr('tenant_tasks.db.claims.runner', runner._replace(patience=.05))
    manager,naps = manager_at(path),[]
    job_id,bg_task = manager.submit('sync', func)
    with write_lock(path) as release:
        async def sleep(secs):
            naps.append(secs)
            if len(naps)==3: release()
        manager.sleep = sleep
        await bg_task()
    assert manager.get_job(job_id).status=='completed' and naps==[.2, .4, .8]
    assert 'try 3 of 20' in logs('WARNING')[0]

async def test_times_of_other_writers(path, clock):
    "Times without a zone, what is no time, no payload and one more column, in a table that another program has filled"
    look = Look(path, clock=clock)
    manager = look.manager
    manager.db.execute('ALTER TABLE tenant_jobs ADD COLUMN colour TEXT')
    for i,o in enumerate(['2026-11-23T11:00:00', '2026-11-23 11:00', 'yesterday', '', None]):
        for kw in dict(id=str(i), status='pending'),dict(id=f'r{i}', status='running', started_at=o):
            manager.db.t.tenant_jobs.insert(dict(kw, job_type='sync', payload=None, created_at=o, colour='red'))
    assert manager.job_stats()['oldest_pending']>=3600
    assert manager.rescue()==[] and look.at_intervals()[-1]=={f'r{i}' for i in range(5)}
    for i in range(5): await manager._execute_with_retry(str(i), work)
    assert manager.job_stats()['completed']==5 and manager.list_jobs()._repr_markdown_()

def test_retry_needs_a_process_that_has_the_function(manager):
    dead = this_process.id.split('~')[0] + '~other~1~aa'
    job, = manager.store.submit([TenantJob('x', 'sync', 'failed', owner=dead, function='myapp.sync')])
    with pytest.raises(JobStateError, match='which has died, had myapp.sync'): manager.retry_job(job.id)
    manager.db.execute("UPDATE tenant_jobs SET task='w.note' WHERE id='x'")
    assert manager.retry_job(job.id).status=='pending'
