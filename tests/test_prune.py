"The app's function for jobs that are pruned: before their rows go, again after a kill, and not in the way of jobs"
import signal
from datetime import timedelta

import pytest
from helpers import manager_at,note,python

from tenant_tasks import TenantJob,Worker
from tenant_tasks.fleet.lookout import Lookout
from tenant_tasks.jobs.job import timestamp

def ended(manager, n, task=None):
    "Jobs that have ended"
    now = timestamp(manager.clock())
    manager.store.submit([TenantJob(str(i), 'export', 'failed', task=task, created_at=now, completed_at=now) for i in range(n)])

killed = """import os,signal,sys
from datetime import timedelta
from fastlite import database
from tenant_tasks import BackgroundTaskManager
manager = BackgroundTaskManager(database(sys.argv[1]))
def gone(tenant, jobs):
    print(tenant, *[o.id for o in jobs], flush=True)
    if jobs[0].id==sys.argv[2]: os.kill(os.getpid(), signal.SIGKILL)
manager.store.prune(manager.clock(), 2, gone)"""

def test_called_before_the_rows_go_and_again_after_a_kill(path):
    manager = manager_at(path)
    ended(manager, 5)
    def pruned(dies_at):
        res = python('-c', killed, path, dies_at)
        return res.returncode,res.stdout.splitlines()
    name = manager.store.tenant
    assert pruned('2')==(-signal.SIGKILL, [f'{name} 0 1', f'{name} 2 3'])
    assert {o.id for o in manager.list_jobs()}=={'2', '3', '4'}
    assert pruned('')==(0, [f'{name} 2 3', f'{name} 4']) and manager.list_jobs()==[]

def test_a_failing_function_leaves_the_rows_and_holds_up_no_job(tenants, clock, logs):
    "Not even with the error of a file that is gone; a job that is retried meanwhile stays"
    acme,found,ill,fails = tenants['acme'],{},[],[True]
    ended(acme, 3, note.tenant_task)
    acme.submit('note', note)
    def gone(tenant, jobs):
        if fails: raise FileNotFoundError('export.csv')
        assert tenant=='acme' and acme.retry_job('1')
    kw = dict(keep=timedelta(0), on_prune=gone)
    lookout = Lookout(tenants, found.__setitem__, lambda *args: ill.append(args), **kw)
    lookout.look_at(['acme'])
    assert len(acme.list_jobs())==4 and 'acme' in found and ill==[]
    assert [o for o in logs('ERROR') if 'acme' in o and '`on_prune` raised FileNotFoundError: export.csv' in o]
    fails.clear()
    lookout._pruned.clear()
    lookout.look_at(['acme'])
    assert {o.status for o in acme.list_jobs()}=={'pending'} and acme.get_job('1')

def test_what_on_prune_must_be(tenants):
    async def gone(tenant, jobs): pass
    for f in (lambda: Worker(tenants, on_prune=gone), lambda: tenants['acme'].prune(timedelta(0), on_prune=gone)):
        with pytest.raises(TypeError, match='`on_prune` must be a function of a tenant and jobs that is not async'): f()
