"What a task says about its own failure: the next attempt, the last one, and who is told"
import json
from datetime import timedelta

import pytest
from chaos import Chaos,work_and_be_killed
from fasthtml.common import to_xml
from helpers import ran,run,work

from tenant_tasks import JobCard,JobDetails,Retry,Snooze,View,current_job,task
from tenant_tasks.jobs.job import parse_time

def wait_of(manager, job): return (parse_time(job.run_at)-manager.clock()).total_seconds()

async def attempt(manager, func, **kw):
    "Submit a job and attempt it once: the row"
    job_id,_ = manager.submit('sync', func, **kw)
    a = manager.claim(job_id)
    if a.waits: await a.acall()
    else: a.call()
    a.settle()
    return manager.get_job(job_id)

@pytest.mark.parametrize('after,secs', [(timedelta(minutes=2), 120), ('30', 30), ('rubbish', 2), (0, 0)])
async def test_a_retry_names_its_wait(manager, after, secs):
    "It spends an attempt; without a wait the backoff says it"
    def func(): raise Retry('too many requests', after=after)
    job = await attempt(manager, func)
    assert (job.status, job.retry_count, wait_of(manager, job))==('pending', 1, secs)
    assert 'too many requests' in job.errors[0]['error']

async def test_functions_of_the_exception(manager):
    "`retry_on`, `give_up_on` and `backoff` may ask it"
    @task(name='retry.asks', retry_on=lambda e: e.args[0]!=404, give_up_on=(KeyError, lambda e: e.args[0]==410),
        backoff=lambda n, e: n*e.args[0])
    def func(code, kind='OSError'): raise dict(OSError=OSError, KeyError=KeyError)[kind](code)
    again = await attempt(manager, func, code=503)
    assert again.status=='pending' and wait_of(manager, again)==503
    for kw in (dict(code=404), dict(code=410), dict(code=503, kind='KeyError')):
        assert (await attempt(manager, func, **kw)).status=='failed'

async def test_a_function_that_raises_when_asked(manager, logs):
    @task(name='retry.broken', retry_on=lambda e: e.nothing)
    def func(): raise OSError('gone')
    assert (await attempt(manager, func)).status=='pending'
    assert any("can't be told" in o for o in logs('ERROR'))
    def wrong(a): return a+'1'
    assert (await attempt(manager, wrong, a=1)).status=='pending', 'its own type error is no wrong argument'

async def test_arguments_of_older_code(manager):
    "A parameter that is new, or gone, fails the job at once and is named; other arguments mend it"
    job_id,_ = manager.submit('sync', work)
    manager.db.q('UPDATE tenant_jobs SET function=NULL, payload=?', [json.dumps(dict(user=1))])
    def newer(*, user_id): return user_id
    a = manager.claim(job_id)
    a.func = newer
    a.call()
    a.settle()
    job = manager.get_job(job_id)
    assert (job.status, job.retry_count)==('failed', 1)
    assert "got 'user'" in job.errors[0]['error'] and 'retry_job(…, changes=…)' in job.errors[0]['error']

@task(name='retry.notify')
def notify(job_id, error): ran.append((job_id, error))

@task(name='retry.doomed', on_failure=notify, max_retries=2)
def doomed(): raise OSError('no route to host')

async def test_a_final_failure_is_told_once(manager):
    "By a job, after the last attempt, which the background task of the failed one runs; a retry that fails tells again"
    job = await run(manager, doomed)
    assert job.status=='failed' and ran==[(job.id, 'OSError: no route to host')]
    teller, = manager.list_jobs('retry.notify')
    assert teller.status=='completed' and teller.kwargs['job_id']==job.id
    manager.retry_job(job.id)
    await manager.drain()
    assert len(ran)==1 # Its next attempt waits
    manager.clock.advance(60)
    await manager.drain()
    assert [o for o,_ in ran]==[job.id]*2

async def test_an_expired_job_does_not_start(manager):
    "It is cancelled with the reason, also between two attempts"
    late = manager.using(expires=60)
    job_id,bg_task = late.submit('sync', work)
    manager.clock.advance(61)
    await bg_task()
    job = manager.get_job(job_id)
    assert job.status=='cancelled' and 'it was to start before' in job.errors[0]['error']
    def fails(): raise Retry(after=100)
    job_id,bg_task = late.submit('sync', fails)
    await bg_task()
    job = manager.get_job(job_id)
    assert (job.status, job.retry_count)==('cancelled', 1)
    with pytest.raises(ValueError, match='must be after the time'): manager.using(delay=60, expires=30).submit('x', work)

async def test_submit_without_a_type(manager):
    "The task's name is the type, or that of the function"
    def plain(x): return x
    assert manager.get_job(manager.submit(doomed)[0]).job_type=='retry.doomed'
    job_id,bg_task = manager.submit(plain, x=1)
    await bg_task()
    assert manager.get_job(job_id).job_type=='plain' and manager.get_job(job_id).value==1
    with pytest.raises(TypeError, match='`task_func` must be a function'): manager.submit('sync')

async def test_progress_beyond_its_bounds(manager, logs):
    "It is clamped with a warning, and costs no attempt"
    seen = []
    def func():
        for o in (50, -1, float('nan')):
            current_job().progress(o)
            seen.append(current_job().job.progress)
    assert (await run(manager, func)).status=='completed' and seen==[1, 0, 0]
    assert any('must be a number from 0 to 1, got 50' in o for o in logs('WARNING'))

def test_a_status_in_the_place_of_a_type(manager):
    with pytest.raises(ValueError, match="did you mean status='failed'?"): manager.list_jobs('failed')

def test_final_failures_over_kills():
    "Each job that failed is told of exactly once, and no other"
    with Chaos(2, seed=7) as chaos:
        for o in chaos.names: chaos.submit(o, 12, 'doomed')
        work_and_be_killed(chaos, 2, 100, ('settle', 'settled'), .3)
        jobs = chaos.jobs().values()
        failed = {o.id for o in jobs if o.job_type=='doomed' and o.status=='failed'}
        tellers = [o.kwargs['job_id'] for o in jobs if o.job_type=='tell_of_failure']
        assert len(failed)==24 and sorted(tellers)==sorted(failed)

async def test_a_snooze_says_why(manager):
    "On its card and in its time line, as long as it waits"
    def func(): raise Snooze(60, 'the bank is closed')
    job = await attempt(manager, func)
    view = View(now=manager.clock())
    for shown in (JobCard(job, view), JobDetails(job, view)): assert 'the bank is closed' in to_xml(shown)
    assert (job.status, job.retry_count)==('pending', 0)
