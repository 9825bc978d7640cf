"How an attempt ends: every outcome of a function, what it says while it runs, and how it is stopped"
import asyncio,json,os,threading,time
from importlib import import_module

import apsw,pytest
from helpers import aboom,awork,boom,end,manager_at,program,run,until,work
from starlette.background import BackgroundTasks

from tenant_tasks import Cancel,current_job,task
from tenant_tasks.db.sqlite import runner
from tenant_tasks.db.store import JobStore
from tenant_tasks.run.process import Process

async def returns_awaitable(**kw): return awork(**kw)
async def returns_task(**kw): return asyncio.ensure_future(returns_awaitable(**kw))

@pytest.mark.parametrize('func', [work, awork, lambda **kw: awork(**kw), returns_awaitable, returns_task],
    ids=['sync', 'async', 'sync that returns an awaitable', 'async that returns one', 'async that returns a task'])
async def test_completes(manager, func):
    odd = dict(job_id=1, func=2, args=[3], kwargs=4, db=5, self=6, manager=7, wait=8, job=9)
    job = await run(manager, func, **odd)
    assert (job.status, job.value, job.retry_count, job.error_log)==('completed', odd, 0, None)
    assert job.created_at<=job.started_at<=job.completed_at

@pytest.mark.parametrize('value,says', [(object(), 'object object'), (float('nan'), 'nan'), ('x'*2**21, 'xxx')])
async def test_odd_results_do_not_fail_a_job(manager, logs, value, says):
    job = await run(manager, lambda: value)
    assert job.status=='completed' and says in job.value and 'repr is stored' in logs('WARNING')[0]

# -- failures

@pytest.mark.parametrize('func', [boom, aboom])
async def test_retries_after_2_and_4_seconds(manager, clock, logs, caplog, capsys, func):
    job = await run(manager, func)
    assert capsys.readouterr()==('', '')
    assert (job.status, job.retry_count, clock.slept)==('failed', 3, [2, 4])
    assert [o['attempt'] for o in job.errors]==[3, 2, 1] and all('no route to host' in o['error'] for o in job.errors)
    assert len(logs('WARNING'))==2 and 'next in 2 s' in logs('WARNING')[0] and len(logs('ERROR'))==1
    assert f'in {func.__name__}' in caplog.text # The traceback

@pytest.mark.parametrize('error', [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError(),
    StopIteration(), BaseException('b')], ids=repr)
@pytest.mark.parametrize('kind', ['sync', 'async'])
async def test_base_exceptions_are_failures(manager, error, kind):
    def f(): raise error
    async def af(): raise error
    job = await run(manager, f if kind=='sync' else af, 2)
    assert (job.status, job.retry_count)==('failed', 2)
    assert type(error).__name__ in job.error_log or 'RuntimeError' in job.error_log

@pytest.mark.parametrize('payload', ['[1]', b'\xff\xfe', '{"a": 1'])
async def test_unreadable_payload(manager, payload):
    job_id,bad = manager.submit('sync', work)
    _,good = manager.submit('sync', work)
    manager.db.execute('UPDATE tenant_jobs SET payload=? WHERE id=?', (payload, job_id))
    await BackgroundTasks([bad, good])()
    assert {o.id==job_id:o.status for o in manager.list_jobs()}=={True:'failed', False:'completed'}
    assert 'payload of job' in manager.get_job(job_id).error_log and manager.get_job(job_id).retry_count==1
    assert manager.list_jobs()._repr_markdown_()

# -- a function that knows its job

def test_check_ends_a_job_that_was_taken_over(manager, logs):
    def f():
        current_job().check()
        manager.db.execute("UPDATE tenant_jobs SET claim='another'")
        current_job().check()
        ran_on.append(1)
    ran_on,attempt = [],manager.claim(manager.submit('sync', f)[0])
    attempt.call()
    assert isinstance(attempt.outcome, Cancel) and not ran_on
    assert attempt.settle() is None and manager.get_job(attempt.id).status=='running'
    assert 'was taken over by another process' in logs('WARNING')[0] and not manager.process.attempts_of(attempt.id)

@pytest.mark.parametrize('kind,attempts', [('sync', 3), ('async', 1), ('async', 3)])
async def test_cancelling_stops_a_function(path, kind, attempts):
    "From another thread, an async one anywhere, a sync one at its next `check`: cleaned up, and no attempt counted"
    manager,started,cleaned = manager_at(path),threading.Event(),[]
    def loop():
        started.set()
        try:
            while not time.sleep(.005): current_job().check()
        finally: cleaned.append(1)
    async def forever():
        started.set()
        try: await asyncio.sleep(60)
        finally: cleaned.append(1)
    job_id,bg_task = manager.submit('forever', loop if kind=='sync' else forever, attempts)
    running = asyncio.ensure_future(bg_task())
    await until(started.is_set)
    await asyncio.to_thread(manager.cancel_job, job_id)
    await running
    job = manager.get_job(job_id)
    assert (job.status, job.retry_count, cleaned)==('cancelled', 0, [1]) and 'asked to stop' in job.error_log

@pytest.mark.parametrize('on', ['its own', 'a task'])
async def test_a_timeout_of_the_function_itself_is_told_as_it_is(manager, monkeypatch, on):
    monkeypatch.setattr(import_module('tenant_tasks.jobs.task'), '_tasks', {})
    @task(timeout=300 if on=='its own' else .05, max_retries=1)
    async def fetch_page(): await asyncio.wait_for(asyncio.sleep(9), .01 if on=='its own' else None)
    job = await run(manager, fetch_page)
    assert job.status=='failed'
    assert ('in fetch_page' if on=='its own' else 'took longer than') in job.error_log
    assert ('in fetch_page' in job.error_log)!=('took longer than' in job.error_log)

# -- what can't be written

async def test_a_note_with_a_byte_of_a_file_name(path):
    "It is shown with a question mark, whether it is written at once or with the outcome"
    manager,note = manager_at(path),os.fsdecode(b'caf\xe9.csv')
    def f():
        current_job().progress(.1, note)
        current_job().progress(.5, note)
        return manager.get_job(current_job().id).progress_note
    job = await run(manager, f)
    assert (job.status, job.value, job.progress_note)==('completed', 'caf?.csv', 'caf?.csv')

async def test_an_outcome_is_written_without_what_goes_with_it(manager, logs):
    runs = []
    def f():
        runs.append(1)
        current_job().log('a line')
        current_job().job.progress_note = '\ud800'
        return 'done'
    job = await run(manager, f)
    assert (job.status, job.value, job.progress_note, runs)==('completed', 'done', None, [1])
    assert not manager.process.claims and 'written without its progress note' in logs('WARNING')[0]

async def test_an_outcome_that_cannot_be_written_is_a_failure(manager, monkeypatch):
    "For good: the function has been called, and another call would end in the same way"
    monkeypatch.setattr('tenant_tasks.jobs.retry.dump_result', lambda value: ('\ud800', ''))
    job = await run(manager, work)
    assert (job.status, job.retry_count, manager.process.claims)==('failed', 1, {})
    assert all(o in job.error_log for o in ('UnicodeEncodeError', "the outcome can't be written"))

@pytest.mark.parametrize('kind', ['sync', 'async'])
async def test_a_write_is_tried_again_as_long_as_the_process_lives(path, kind, monkeypatch):
    "A lock that is held for days, at a look a minute: the claim is kept, and the function is called once"
    monkeypatch.setattr(JobStore.settle, '__defaults__', (False, runner._replace(patience=.001), None, None))
    naps,runs,locks = [],[],[]
    async def sleep(secs):
        naps.append(secs)
        assert [o.id for o in manager.process.claims.values()]==[job_id]
        if len(naps)>1100 and locks: locks.pop().close() # 2 to that power is no float any more
    manager = manager_at(path, process=Process(), sleep=sleep)
    def f():
        runs.append(1)
        locks.append(conn := apsw.Connection(path))
        conn.execute('BEGIN IMMEDIATE')
    async def af(): f()
    job_id,bg_task = manager.submit('sync', f if kind=='sync' else af)
    await bg_task()
    assert (manager.get_job(job_id).status, len(runs), manager.process.claims)==('completed', 1, {})
    assert max(naps)==60

# -- a function that forks

@pytest.mark.parametrize('how,code,says', [('returns', 0, ''), ('raises', 1, 'FileNotFoundError'), ('3', 3, ''),
    ('no such file', 1, 'no such file\n')])
def test_a_child_that_leaves_the_function_ends_there(path, how, code, says):
    "It settles nothing, writes no step, and runs no job; the function goes on in the process that called it"
    proc = program('forking', path, how)
    try: out,err = proc.communicate(timeout=60)
    finally: end(proc)
    assert [json.loads(o) for o in out.splitlines()]==[['completed', 0, code]]*6, err
    assert err.count(says) if says else 'Error' not in err
