"What a submit takes and gives back: arguments that fit, ids that say what is new, a task's defaults, another time"
import asyncio,inspect,threading,time
from datetime import datetime,timedelta,timezone
from functools import lru_cache,partial,wraps

import apsw,pytest
from fastcore.meta import delegates
from fastlite import database
from helpers import awork,boom,in_threads,manager_at,open_db,run,until,work,working

from tenant_tasks import BackgroundTaskManager,JobNotFound,JobStateError,Worker,task
from tenant_tasks.jobs.job import timestamp

def sync(user_id, pages=1, *, deep=False): return [user_id, pages, deep]
async def async_sync(user_id): return user_id

class Shop:
    def __init__(self, user_id=0): self.user_id = user_id
    def refund(self, user_id): return user_id
    def __call__(self, user_id): return user_id
    __hash__ = None

def hide(f):
    @wraps(f)
    def wrapper(**kw): return f(**{'user_id':'from the wrapper', **kw})
    return wrapper

@delegates(sync)
def passes_on(user_id, **kwargs): return [user_id, kwargs]

@pytest.mark.parametrize('func,kw', [
    (sync, dict(user_id=1)), (sync, dict(user_id=1, pages=2, deep=True)), (async_sync, dict(user_id=1)),
    (work, dict(delay=1, self=2, func=3, names=4)), (awork, dict(a=1)),
    (partial(sync, 1), dict(pages=2)), (partial(sync, user_id=1), dict(user_id=2)), (partial(async_sync, 1), {}),
    (Shop().refund, dict(user_id=1)), (Shop(), dict(user_id=1)), (hide(sync), dict(pages=2)),
    (passes_on, dict(user_id=1, pages=2)), (passes_on, dict(user_id=1, other=2)),
    (lru_cache(lambda user_id: user_id), dict(user_id=1)), (dict, dict(user_id=1)), (print, dict(end='')),
    (lambda a=1, /, **kw: kw, dict(a=2))])
async def test_arguments_that_fit(manager, func, kw):
    for _ in range(2): assert (await run(manager, func, 1, **kw)).status=='completed'

@pytest.mark.parametrize('func,kw,says', [
    (sync, dict(pages=1), "arguments of test_submitting.sync must include 'user_id' by name, got pages"),
    (sync, dict(user_id=1, nope=2), "must be parameters of test_submitting.sync(user_id, pages, deep), got 'nope'"),
    (sync, dict(user_id=1, retries=5), "got 'retries'; did you mean max_retries=…?"),
    (partial(sync, 1), dict(user_id=2), "test_submitting.sync(pages, deep), got 'user_id'"),
    (Shop, dict(nope=1), "test_submitting.Shop(user_id), got 'nope'"),
    (Shop().refund, {}, "arguments of test_submitting.Shop.refund must include 'user_id' by name, got none"),
    (Shop(), dict(nope=1), "test_submitting.Shop(user_id), got 'nope'"),
    (passes_on, dict(pages=1), "test_submitting.passes_on must include 'user_id' by name, got pages"),
    (lambda a, /, b=1: 0, dict(a=1), "`task_func` must take its arguments by name"),
    (lambda a=1, /: 0, dict(a=1), "test_submitting.<lambda>(), got 'a'"),
    (lambda a, b, **kw: 0, dict(b=1, c=2), "must include 'a' by name, got b, c")])
def test_arguments_that_do_not_fit(manager, func, kw, says):
    "The same error the second time, when the signature is known; nothing is written, by `submit_many` neither"
    for _ in range(2):
        with pytest.raises(TypeError) as e: manager.submit('sync', func, **kw)
        assert says in str(e.value)
    with pytest.raises(TypeError): manager.submit_many('sync', sync, [dict(user_id=1), dict(user_id=1, nope=2)])
    assert manager.list_jobs()==[]

def test_options_are_recognized(manager):
    options = {*inspect.signature(manager.using).parameters}
    assert {'delay', 'run_at', 'priority', 'unique_key'}<=options
    for o in options:
        says = rf"got '{o}'; did you mean manager.using\({o}=…\)\?"
        with pytest.raises(TypeError, match=says): manager.submit('sync', sync, user_id=1, **{o:1})

def test_a_function_whose_code_is_replaced(manager):
    "As autoreload does"
    def f(a): pass
    def g(b): pass
    manager.submit('sync', f, a=1)
    f.__code__ = g.__code__
    manager.submit('sync', f, b=1)
    with pytest.raises(TypeError, match=r"f\(b\), got 'a'"): manager.submit('sync', f, a=1)

async def test_a_unique_key_tells_who_was_first(path):
    "Of eight threads with a connection each, one has made the job; once it has ended, the next submit makes a new one"
    database(path)
    def submit(): return BackgroundTaskManager(open_db(path)).using(unique_key='daily').submit('report', work)[0]
    ids = in_threads(*[(submit,)]*8)
    assert len(set(ids))==1 and sorted(o.is_new for o in ids)==[False]*7+[True]
    manager = manager_at(path)
    (many,_), = manager.using(unique_key='daily').submit_many('report', work, [{}])
    assert many==ids[0] and many.is_new is False
    manager.cancel_job(many)
    assert submit().is_new and all(o.is_new for o,_ in manager.submit_many('report', work, [{}]*3))
    with pytest.raises(ValueError, match="unique key 'daily'"): manager.retry_job(many)

async def test_attempts_of_a_task(manager):
    "Its own number, unless the caller passes one, be it the usual three"
    @task(name='s.five', max_retries=5)
    def five(): raise ValueError
    def attempts(*args, **kw):
        both = manager.submit('sync', *args, **kw),*manager.submit_many('sync', args[0], [{}], *args[1:], **kw)
        n, = {manager.get_job(o).max_retries for o,_ in both}
        return n
    assert [attempts(five), attempts(five, 3), attempts(five, max_retries=1), attempts(work, 7)]==[5, 3, 1, 7]
    job = await run(manager, five)
    assert (job.status, job.retry_count)==('failed', 5)

def test_reschedule(manager, clock):
    "Also a job that waits for its next attempt; one that runs or has ended, and a wrong time, change nothing"
    with pytest.raises(JobNotFound): manager.reschedule_job('no such id', delay=1)
    job_id,_ = manager.using(priority=7).submit('sync', boom)
    attempt = manager.claim(job_id)
    attempt.call()
    before = attempt.settle()
    for secs,kw in {90:dict(delay=timedelta(seconds=90)), 30:dict(run_at=clock()+timedelta(seconds=30))}.items():
        before.run_at = timestamp(clock()+timedelta(seconds=secs))
        assert manager.reschedule_job(job_id, **kw)==manager.get_job(job_id)==before
    for kw in (dict(delay=-1), dict(run_at='noon'), dict(run_at=datetime(9999, 12, 31, tzinfo=timezone.utc))):
        with pytest.raises((ValueError, TypeError), match='must be'): manager.reschedule_job(job_id, **kw)
        assert manager.get_job(job_id)==before
    for before.status in ('running', 'completed', 'failed', 'cancelled'):
        manager.db.t.tenant_jobs.update(dict(id=job_id, status=before.status))
        says = f'must be pending to be rescheduled, and job {job_id} is {before.status}'
        with pytest.raises(JobStateError, match=says): manager.reschedule_job(job_id, delay=1)
        assert manager.get_job(job_id)==before

async def test_a_worker_runs_a_job_that_is_due_earlier_now(path):
    "At once, though it has planned to look in an hour"
    ran,worker = threading.Event(),Worker(dict(acme=open_db(path)), look_every=60)
    async with working(worker):
        manager = worker.tenants['acme']
        job_id,bg_task = manager.using(delay=3600).submit('sync', lambda: ran.set())
        await bg_task()
        await asyncio.sleep(1.5) # Its first looks at the files are over
        await until(lambda: worker.agenda.wait(time.monotonic())>1000)
        manager.reschedule_job(job_id, delay=0)
        await until(ran.is_set)

async def test_a_submit_that_would_wait_for_its_own_loop(path):
    "Another task of the loop has a transaction open: an error says what to do, and both ways work"
    manager,opened,go = manager_at(path),asyncio.Event(),asyncio.Event()
    async def holds():
        async with manager.transaction():
            opened.set()
            await go.wait()
    holder = asyncio.ensure_future(holds())
    await opened.wait()
    with pytest.raises(apsw.BusyError, match='wait for it with `async with manager.transaction.*asyncio.to_thread'):
        manager.submit('sync', work)
    in_thread = asyncio.ensure_future(asyncio.to_thread(manager.submit, 'sync', work))
    await asyncio.sleep(.01)
    go.set()
    async with manager.transaction(): manager.submit('sync', work)
    await asyncio.gather(holder, in_thread)
    assert len(manager.list_jobs())==2
