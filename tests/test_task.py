"Registered functions: what may be registered, how their attempts are treated, and that nothing else is ever run"
import os,time

import pytest
from helpers import manager_at,run

from tenant_tasks.run.current import current_job
from tenant_tasks.jobs.job import TenantJob,timestamp,utcnow
from tenant_tasks.jobs.task import UnknownTask,find_task,task,task_name

def refund(): pass

@pytest.mark.parametrize('func,kw,error,says', [
    (refund, dict(name=''), ValueError, "`name` must be a string that isn't blank, got ''"),
    (refund, dict(timeout='soon'), ValueError, "a wait must be a timedelta or 0 to 10,000,000,000 seconds, got 'soon'"),
    (refund, dict(cancel_on=('KeyError',)), TypeError, "or a tuple of them, got 'KeyError'"),
    (dict, {}, TypeError, 'a task must be a function or an async function, got <class')])
def test_what_can_not_be_registered(func, kw, error, says):
    with pytest.raises(error) as e: task(func, **kw)
    assert says in str(e.value) and task_name(refund) is None

def test_a_name_means_one_function():
    "Importing a module again is no conflict; another function under the same name is, and takes nothing over"
    def make(): return task(lambda: 1, name='t.one')
    first,second = make(),make()
    with pytest.raises(ValueError, match="'t.one', which is registered as"): task(refund, name='t.one')
    assert find_task('t.one').func is second and task_name(first)=='t.one' and task_name(refund) is None
    with pytest.raises(UnknownTask, match="no task 't.two' is registered in this process; registered: .*t.one"):
        find_task('t.two')

async def test_a_task_that_was_renamed(manager):
    "A job of its old name runs, and a new one gets the new name, whose policy it has"
    @task(name='t.new', max_retries=5)
    def renamed(n): return n
    assert task(name='t.old')(renamed) is renamed and task_name(renamed)=='t.new'
    manager.store.submit([TenantJob('1', 'x', task='t.old', payload='{"n": 1}', created_at=timestamp(utcnow()))])
    job = await run(manager, renamed, n=2)
    assert (job.task, job.max_retries)==('t.new', 5) and await manager.drain()==1
    assert [o.value for o in manager.list_jobs()]==[2, 1]

async def test_policies(manager, clock):
    @task(name='t.hopeless', retry_on=(OSError,), cancel_on=KeyError, backoff=lambda n: 5)
    def pick(what): raise dict(os=OSError, value=ValueError, key=KeyError)[what](what)
    for what,status,n in (('os', 'failed', 3), ('value', 'failed', 1), ('key', 'cancelled', 0)):
        clock.slept.clear()
        job = await run(manager, pick, what=what)
        assert (job.status, job.retry_count, job.task)==(status, n, 't.hopeless') and clock.slept==[5]*max(n-1, 0)

async def test_timeout_of_a_sync_task(path):
    "It asks `check()`, which raises once its time is up"
    @task(name='t.deadline', timeout=.03)
    def loop():
        while True:
            current_job().check()
            time.sleep(.005)
    job = await run(manager_at(path), loop, 1)
    assert job.status=='failed' and 'time of this attempt is up' in job.error_log

async def test_only_registered_names_are_run(manager, tmp_path, monkeypatch, logs):
    "A name from the database is looked up, never imported"
    monkeypatch.chdir(tmp_path)
    for i,o in enumerate(['os.system', 'builtins.exec', '__import__', 'tests.evil']):
        kw = dict(task=o, payload='{"command": "touch evil"}', created_at=timestamp(utcnow()))
        manager.store.submit([TenantJob(str(i), 'x', **kw)])
    assert await manager.drain()==0 and '4 due jobs' in logs('WARNING')[0]
    assert {o.status for o in manager.list_jobs()}=={'pending'} and not os.path.exists('evil')
