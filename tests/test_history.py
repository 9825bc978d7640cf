"What a job tells of its life: its log, its attempts and times; and what many jobs tell together, and act on together"
import sys,traceback
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta

import pytest
from fastlite import database
from helpers import boom,manager_at,program,run,wait_until

from tenant_tasks import Cancel,JobStateError,Snooze,TenantJob,Tenants,current_job,task
from tenant_tasks.jobs.history import max_error,max_log,max_lines,max_line,add_error,error_message,error_line
from tenant_tasks.jobs.job import timestamp,new_id
from tenant_tasks.manager.manage import at_once
from tenant_tasks.run.attempt import begin

def texts(manager, job_id, **kw): return [o.text for o in manager.log_of(job_id, **kw)]

def new_rows(manager, n, **kw):
    at = timestamp(manager.clock())
    vals = dict(task='hi.work', created_at=at, run_at=at, **kw)
    def row(i): return TenantJob(new_id(), **{k:v(i) if callable(v) else v for k,v in vals.items()})
    return manager.store.submit([row(i) for i in range(n)])

@task(name='hi.work')
def registered(**kw): return kw

# -- what an error says

def two_lines(host): raise OSError(f"Server error '503' for {host}\nFor more information check: the manual")

def with_a_note():
    try: two_lines('host 1')
    except OSError as e:
        e.add_note('A note\nof two lines')
        raise

def with_a_cause():
    try: int('x')
    except ValueError as e: raise KeyError('lost') from e

def in_a_group():
    try: with_a_cause()
    except KeyError as e: raise ExceptionGroup('two of them', [e, ExceptionGroup('inner', [ValueError('a\nb')])])

def caused_by_a_group():
    try: in_a_group()
    except ExceptionGroup as e: raise RuntimeError('the end\nof it') from e

def not_python(): compile('a b', 'x.py', 'exec')
def too_deep(): too_deep()
def silent(): raise ValueError
def very_long(): raise ValueError('x'*3*max_error)

def by_another_process():
    with ProcessPoolExecutor(1) as pool: pool.submit(two_lines, 'host 2').result()

newer = pytest.mark.skipif(sys.version_info<(3, 11), reason='no notes and groups before Python 3.11')

@pytest.mark.parametrize('func, says', [(with_a_cause, "KeyError: 'lost'"),
    pytest.param(with_a_note, "OSError: Server error '503' for host 1", marks=newer),
    pytest.param(in_a_group, 'ExceptionGroup: two of them (2 sub-exceptions)', marks=newer),
    pytest.param(caused_by_a_group, 'RuntimeError: the end', marks=newer),
    (silent, 'ValueError'), (not_python, 'SyntaxError: invalid syntax'),
    (too_deep, 'RecursionError: maximum recursion depth exceeded'),
    (very_long, 'ValueError: xxx'), (by_another_process, "OSError: Server error '503' for host 2")])
def test_an_error_says_what_it_is(func, says, clock):
    "In the line that names the exception, though its message goes on, has notes, a cause or others in it, or is cut"
    try: func()
    except Exception: error = traceback.format_exc()
    for o in (error, add_error(None, 1, clock(), error).partition('\n')[2]): assert error_message(o).startswith(says)
    assert '\n' not in error_message(error)

def test_an_error_that_is_cut_or_has_no_traceback(clock):
    head = 'Traceback (most recent call last):\n'
    for text,says in (('', ''), ('\n', ''), ('by a process\nthat was killed\n', 'that was killed'), (head, head[:-1])):
        assert error_message(text)==says
    frames = ''.join(f'  File "deep.py", line {i}, in f{i}\n    call(f{i+1})\n' for i in range(2000))
    log = add_error(None, 1, clock(), f'{head}{frames}OSError: at last\nand more\n')
    assert '[… ' in log and error_line(log)=='OSError: at last'

# -- the log

async def test_a_rollback_leaves_the_lines(manager):
    "Those of a transaction, and those of an atomic task that raises"
    def talks():
        with current_job().transaction():
            current_job().log('in a transaction')
            raise OSError
    @task(name='hi.atomic', atomic=True, max_retries=1)
    def atomic():
        current_job().log('atomic')
        boom()
    for f in (talks, atomic):
        job = await run(manager, f, 1)
        assert job.status=='failed' and len(manager.log_of(job.id))==1

async def test_the_log_goes_on_over_attempts_and_a_retry(manager):
    "Each line knows its attempt; a manual retry keeps the log, and prune takes it along"
    def talks():
        current_job().log('again')
        boom()
    job = await run(manager, talks, 2)
    await manager.run_again([manager.retry_job(job.id, restart=True)])()
    assert [(o.n, o.attempt) for o in manager.log_of(job.id)]==[(1, 1), (2, 2), (3, 1), (4, 2)]
    manager.clock.advance(60)
    manager.prune(timedelta(0))
    assert not manager.db.q('SELECT * FROM tenant_job_log')

@pytest.mark.parametrize('n,line,kept', [(1000, 'x', max_lines), (150, 'ä'*5000, 65), (3, None, 3)])
async def test_the_log_is_bounded(manager, n, line, kept):
    def talks():
        for i in range(n): current_job().log(f'{i} {line}')
    lines = manager.log_of((await run(manager, talks)).id)
    assert len(lines)==kept and lines[-1].n==n and lines.cut==n-kept
    assert lines[-1].text.startswith(f'{n-1} ') and all(len(o.text)<=max_line for o in lines)
    assert sum(len(o.text) for o in lines)<=max_log

def test_a_locked_database_loses_no_line(path):
    "The write fails for as long as another connection has the lock"
    manager,other = manager_at(path),database(path)
    a = manager.claim(manager.submit('w', registered)[0])
    other.execute('BEGIN IMMEDIATE')
    a.log('one')
    a._write_lines()
    assert a._lines.timer is not None
    other.execute('COMMIT')
    wait_until(lambda: texts(manager, a.id)==['one'])
    a.outcome = Cancel()
    a.settle()
    assert texts(manager, a.id)==['one']

# -- attempts

@pytest.mark.parametrize('how,outcomes', [
    ([0], ['completed']), ([OSError('x'), 0], ['failed', 'completed']), ([OSError('x')]*3, ['failed']*3),
    ([Snooze(5), 0], ['snoozed', 'completed']), ([OSError('x'), Cancel()], ['failed', 'cancelled']),
    ([*[Snooze(1)]*60, 0], [*['snoozed']*50, 'completed'])])
async def test_each_attempt_is_remembered(manager, clock, how, outcomes):
    "The newest fifty, and the last"
    left = list(how)
    def f():
        clock.advance(3)
        if o := left.pop(0): raise o
    job = await run(manager, f)
    assert [o.outcome for o in manager.attempts_of(job.id)]==outcomes and {o.secs for o in job.attempts}=={3}
    assert job.ran==3 and job.waited==0 and job.attempts[-1].end==job.completed_at
    assert (job.attempt_log is None)==(outcomes==['completed'])

async def test_a_retried_job_remembers_its_earlier_life(manager, clock):
    job = await run(manager, boom, 1)
    row = manager.retry_job(job.id)
    assert row.ran is None and row.waited is None and [o.outcome for o in row.attempts]==['failed']
    clock.advance(10)
    a = manager.claim(job.id)
    assert (a.job.waited, a.job.ran)==(10, None) and [o.outcome for o in a.job.attempts]==['failed', 'running']
    assert [o.outcome for o in a.release().attempts]==['failed', 'released']

def test_an_attempt_that_died_is_one(tmp_path):
    manager = Tenants(tmp_path).create('acme')
    program('claim_and_die', tmp_path, 'acme').communicate(timeout=60)
    job, = manager.list_jobs()
    for outcome in ('running', 'died'):
        assert [o.outcome for o in manager.attempts_of(job.id)]==[outcome]
        manager.rescue()

def failed(manager, n, error='OSError: host {} is down', job_type='sync', **kw):
    at = timestamp(manager.clock())
    def log(i): return add_error(None, 1, manager.clock(), 'Traceback\n'+error.format(i))
    vals = dict(status='failed', error_log=log, completed_at=at, started_at=at)
    return new_rows(manager, n, job_type=job_type, **{**vals, **kw})

# -- all that match

def test_a_few_are_done_at_once(manager):
    failed(manager, 7)
    failed(manager, 2, 'KeyError: {}')
    taken, = failed(manager, 1, unique_key='k')
    new_rows(manager, 1, job_type='b', unique_key='k')
    acted = manager.retry_matching(job_type='sync', error=error_line('OSError: host 1 is down'))
    assert acted.done==7 and acted.job_id is None
    assert acted.refused=={"another live job has the unique key 'k' of job #":1}
    assert manager.job_stats()['failed']==3 and manager.retry_matching(job_type='nothing').done==0
    assert manager.cancel_matching(job_type='sync').done==7

async def test_many_that_are_refused_are_counted_and_stop_nothing(manager, clock):
    "More of them than fit into a transaction stand in front; a job that fails meanwhile is left alone"
    failed(manager, at_once)
    failed(manager, 130, unique_key='k')
    new_rows(manager, 1, job_type='b', unique_key='k')
    acted = manager.retry_matching()
    assert str(acted)==f'job {acted.job_id} does it in the background'
    clock.advance(1)
    newer, = failed(manager, 1)
    await acted.bg_task()
    assert manager.get_job(acted.job_id).value=="500 done; 130 not: another live job has the unique key 'k' of job #"
    assert manager.get_job(newer.id).status=='failed'

async def test_a_job_that_acts_on_many_goes_on_where_it_was(manager, monkeypatch):
    failed(manager, at_once+150)
    acted = manager.retry_matching()
    real,calls = manager.store.__class__.find,[]
    def stops(self, *args, **kw):
        calls.append(1)
        if len(calls)==4: raise OSError('killed')
        return real(self, *args, **kw)
    monkeypatch.setattr(type(manager.store), 'find', stops)
    begin(lambda: manager.claim(acted.job_id))
    assert manager.job_stats()['failed']==at_once+150-300
    manager.clock.advance(60)
    begin(lambda: manager.claim(acted.job_id))
    assert manager.get_job(acted.job_id).value=='650 done' and not manager.job_stats()['failed']

async def test_a_retry_with_other_arguments_keeps_those_that_are_not_named(manager):
    "And leaves out those that the function no longer takes"
    def needs(token, n): raise OSError
    job = await run(manager, needs, 1, token='s3cret', n=1)
    for bad,error in [(dict(m=2), 'must be parameters'), (dict(n={1}), "argument 'n' must be"), ([], 'must be a dict')]:
        with pytest.raises((TypeError,ValueError), match=error): manager.retry_job(job.id, changes=bad)
    assert manager.get_job(job.id).status=='failed'
    assert manager.retry_job(job.id, changes=dict(n=2)).kwargs==dict(token='s3cret', n=2)
    with pytest.raises(JobStateError): manager.retry_job(job.id, changes=dict(n=3))
    assert manager.get_job(job.id).kwargs['n']==2
    manager.cancel_job(job.id)
    manager.db.q('UPDATE tenant_jobs SET payload=?', ['{"old": 1, "token": "s3cret"}'])
    assert manager.retry_job(job.id, changes=dict(n=2)).kwargs==dict(token='s3cret', n=2)
