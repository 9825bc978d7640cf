"What becomes of a submitted job: every ending, every interruption, and what others notice of it"
import asyncio,logging,threading,time
from datetime import timedelta

import anyio,apsw,pytest
from fastlite import database
from helpers import Clock,manager_at,write_lock
from hypothesis import given,settings,strategies as st
from starlette.background import BackgroundTask,BackgroundTasks

from tenant_tasks import BackgroundTaskManager,Cancel,JobNotFound,JobStateError,Snooze,task_threads

def work(**kw): return kw
async def awork(**kw): return kw
def boom(): raise OSError('no route to host')
async def aboom(): raise OSError('no route to host')

async def run(manager, func, /, *args, **kw):
    "Submit, run to the end, read back"
    job_id,bg_task = manager.submit('sync', func, *args, **kw)
    await bg_task()
    return manager.get_job(job_id)

@pytest.mark.parametrize('func', [work, awork, lambda **kw: awork(**kw)], ids=['sync', 'async', 'sync that returns an awaitable'])
async def test_completes(manager, func):
    odd = dict(job_id=1, func=2, args=[3], kwargs=4, db=5, self=6, manager=7, wait=8, job=9)
    job = await run(manager, func, **odd)
    assert (job.status, job.value, job.retry_count, job.error_log)==('completed', odd, 0, None)
    assert job.created_at<=job.started_at<=job.completed_at

@pytest.mark.parametrize('value', [None, 0, False, '', [], {}, 0.5, 'ü\ud800', [1,[2]], {'a':None}])
async def test_results_are_kept(manager, value): assert (await run(manager, lambda: value)).value==value

async def test_odd_results_do_not_fail_a_job(manager, logs):
    class Odd:
        def __repr__(self): raise ValueError('no')
    for value,says in ((object(), 'object object'), (float('nan'), 'nan'), (Odd(), 'Odd whose repr raises'), ('x'*2**21, 'xxx')):
        job = await run(manager, lambda: value)
        assert job.status=='completed' and says in job.value
    assert len(logs('WARNING'))==4 and 'repr is stored' in logs('WARNING')[0]

@pytest.mark.parametrize('func', [boom, aboom])
async def test_retries_after_2_and_4_seconds(manager, clock, logs, func):
    job = await run(manager, func)
    assert (job.status, job.retry_count, clock.slept)==('failed', 3, [2, 4])
    assert [o['attempt'] for o in job.errors]==[3, 2, 1] and all('no route to host' in o['error'] for o in job.errors)
    assert len(logs('WARNING'))==2 and 'next in 2 s' in logs('WARNING')[0] and len(logs('ERROR'))==1

async def test_final_failure_logs_its_traceback(manager, caplog):
    await run(manager, boom, 1)
    record, = [o for o in caplog.records if o.levelname=='ERROR']
    assert record.name=='tenant_tasks' and 'in boom' in caplog.text and isinstance(record.exc_info[1], OSError)

async def test_nothing_is_printed(manager, capsys):
    logging.getLogger('tenant_tasks').propagate = True
    await run(manager, boom)
    await run(manager, work)
    assert capsys.readouterr()==('', '')

@given(n=st.integers(1, 6), fails=st.integers(0, 8), zero=st.booleans())
@settings(max_examples=30, deadline=None, derandomize=True)
def test_attempts(n, fails, zero):
    "A function that fails so many times, with so many attempts"
    clock,left = Clock(),[fails]
    def f():
        left[0] -= 1
        if left[0]>=0: raise ValueError(left[0])
        return 'done'
    manager = BackgroundTaskManager(database(':memory:'), clock=clock, sleep=clock.sleep, **(dict(backoff=lambda n: 0) if zero else {}))
    job = asyncio.run(run(manager, f, n))
    assert (job.status, job.retry_count)==(('completed', fails) if fails<n else ('failed', n))
    assert [o for o in clock.slept if o]==([] if zero else [2**(i+1) for i in range(min(fails, n-1))])

odd_errors = SystemExit(3), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError(), StopIteration(), BaseException('b')

@pytest.mark.parametrize('error', odd_errors, ids=repr)
@pytest.mark.parametrize('kind', ['sync', 'async'])
async def test_base_exceptions_are_failures(manager, error, kind):
    def f(): raise error
    async def af(): raise error
    job = await run(manager, f if kind=='sync' else af, 2)
    assert (job.status, job.retry_count)==('failed', 2) and type(error).__name__ in job.error_log or 'RuntimeError' in job.error_log

async def test_error_that_cannot_be_shown(manager):
    class Odd(Cancel):
        def __str__(self): raise ValueError('no text')
    def f(): raise Odd
    assert (await run(manager, f, 1)).status=='failed'

async def test_cancel_and_snooze(manager, clock):
    def stop(): raise Cancel('user deleted')
    async def astop(): raise Cancel('user deleted')
    for f in (stop, astop):
        job = await run(manager, f)
        assert (job.status, job.retry_count)==('cancelled', 0) and 'user deleted' in job.error_log
    naps = iter([Snooze(timedelta(minutes=3)), Snooze(.5), None])
    def nap():
        if o := next(naps): raise o
    clock.slept.clear()
    job = await run(manager, nap, 1)
    assert (job.status, job.retry_count, sum(clock.slept))==('completed', 0, 180.5)

async def test_bad_backoff(path, clock):
    for backoff in (lambda n: 1/0, lambda n: 'soon', lambda n: -1):
        manager = manager_at(path, clock, backoff=backoff)
        clock.slept.clear()
        assert (await run(manager, boom)).status=='failed' and clock.slept==[2, 4]

@pytest.mark.parametrize('payload', ['oops', '[1]', '7', b'\xff\xfe', '{"a": 1'])
async def test_unreadable_payload(manager, payload):
    job_id,bad = manager.submit('sync', work)
    _,good = manager.submit('sync', work)
    manager.db.execute('UPDATE tenant_jobs SET payload=? WHERE id=?', (payload, job_id))
    await BackgroundTasks([bad, good])()
    assert {o.id==job_id:o.status for o in manager.list_jobs()}=={True:'failed', False:'completed'}
    assert 'payload of job' in manager.get_job(job_id).error_log and manager.get_job(job_id).retry_count==1
    assert manager.list_jobs()._repr_html_()

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

async def until(cond, timeout=5):
    end = time.monotonic()+timeout
    while not cond():
        assert time.monotonic()<end, 'it never came true'
        await asyncio.sleep(.005)

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
    deadline = time.monotonic()+5
    while manager.get_job(job_id).status=='running' and time.monotonic()<deadline: time.sleep(.01)
    job = manager.get_job(job_id)
    assert job.status==dict(sync='completed', stubborn='completed').get(kind, 'pending')
    assert job.retry_count==0 and job.claim is None
    if kind in ('async', 'cleanup', 'stubborn'): assert cleaned

# -- what others notice: threads, locks, waiting

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
    "500 jobs wait for their second attempt: no thread is theirs, and the database is free"
    manager,go = manager_at(path),asyncio.Event()
    async def sleep(secs): await go.wait()
    manager.sleep = sleep
    tasks = [asyncio.ensure_future(o()) for _,o in manager.submit_many('sync', boom, [{}]*500)]
    await until(lambda: sum(o.retry_count for o in manager.list_jobs(limit=500))==500, 20)
    await until(lambda: task_threads._var.get().borrowed_tokens==0 and not manager.store.link.lock.locked())
    other = apsw.Connection(path)
    other.execute('BEGIN EXCLUSIVE; COMMIT')
    for o in tasks: o.cancel()
    for o in asyncio.all_tasks()-{asyncio.current_task()}: o.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert manager.job_stats()['pending']==500

async def test_locked_for_long(path, monkeypatch, logs):
    "The database is locked for longer than a statement waits, at the claim and at the settling; the job comes through"
    monkeypatch.setattr('tenant_tasks.store.run_timeout', .05)
    monkeypatch.setattr('tenant_tasks.manager.patiently', lambda f, *errors: f())
    manager = manager_at(path)
    ran,naps = [],[]
    def f(): ran.append(1)
    async def af(): ran.append(1)
    for func in (f, af):
        job_id,bg_task = manager.submit('sync', func)
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
async def test_locked_when_it_settles(path, monkeypatch, kind):
    "The work is done and can't be written for a while: it isn't done again"
    monkeypatch.setattr('tenant_tasks.store.run_timeout', .05)
    monkeypatch.setattr('tenant_tasks.manager.patiently', lambda f, *errors: f())
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

# -- the rest of the face

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
    with pytest.raises(JobStateError, match='is pending; allowed: failed or cancelled'): manager.retry_job(job_id)
    asyncio.run(bg_task())
    for f in (manager.cancel_job, manager.retry_job):
        with pytest.raises(JobStateError, match='is completed'): f(job_id)
        with pytest.raises(JobNotFound, match="'nobody'"): f('nobody')

def test_list(manager, clock):
    ids = [manager.submit('ab'[i%2], work)[0] for i in range(6)]
    manager.cancel_job(ids[0])
    assert [o.id for o in manager.list_jobs()]==ids[::-1]
    assert [o.id for o in manager.list_jobs('a', 'pending', 1)]==[ids[4]]
    assert [o.id for o in manager.list_jobs(status='cancelled')]==[ids[0]]
    assert manager.list_jobs('nothing')==[]
    for bad in (dict(status='done'), dict(limit=-1), dict(limit='3'), dict(limit=None), dict(job_type=''), dict(status=['failed'])):
        with pytest.raises(ValueError, match='allowed'): manager.list_jobs(**bad)

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
        with pytest.raises(ValueError, match='older_than'): manager.prune(bad)

def test_sql_in_values_is_text(manager):
    evil = "x'; DROP TABLE tenant_jobs; --"
    job_id,_ = manager.using(unique_key=evil).submit(evil, work, **{evil:evil})
    assert manager.get_job(job_id).kwargs=={evil:evil} and len(manager.list_jobs(job_type=evil))==1
    with pytest.raises(JobNotFound): manager.get_job(evil)

def test_html_is_escaped(manager):
    manager.submit('<script>alert(1)</script>', work)
    assert '<script' not in manager.list_jobs()._repr_html_()+manager.list_jobs()[0]._repr_html_()+manager._repr_html_()
