"What the annotations of an app look like; type checkers have nothing to say about it, and it runs"
import asyncio
from datetime import datetime,timedelta
from typing import Any

from fastlite import database
from starlette.background import BackgroundTask
from typing_extensions import assert_type

from tenant_tasks import BackgroundTaskManager,JobNotFound,Snooze,TenantJob,Tenants,Worker,current_job,exp_backoff,statuses,task
from tenant_tasks.attempt import Attempt
from tenant_tasks.store import JobStore

@task
def double(n: int) -> int:
    "Decorated, it keeps its own signature"
    return 2*n

@task(name='mail', timeout=timedelta(minutes=1), retry_on=(OSError,))
async def send_email(to: str) -> str: return to

def again(manager: BackgroundTaskManager, job: TenantJob) -> BackgroundTask | None:
    "Patched methods, with their arguments and results"
    return manager.run_again([manager.retry_job(job.id)]) if job.status in ('failed', 'cancelled') else None

def at_night() -> None:
    current_job().progress(.5, 'half of it')
    raise Snooze(timedelta(hours=1), 'electricity is cheaper at night')

def worker_of(tenants: Tenants) -> Worker:
    "Tenants are looked up by name"
    assert_type(tenants['acme'], BackgroundTaskManager)
    assert_type([o for o in tenants], list[str])
    return Worker(tenants, concurrency=2, unknown_after=timedelta(minutes=5))

async def main() -> None:
    manager = BackgroundTaskManager(database(':memory:'), backoff=exp_backoff)
    job_id,bg_task = manager.submit('sync', double, max_retries=2, n=21)
    assert_type(job_id, str)
    assert_type(bg_task, BackgroundTask)
    await bg_task()
    job = manager.get_job(job_id)
    assert_type(job, TenantJob)
    assert_type(job.priority, int)
    assert_type(job.kwargs, dict[Any, Any])
    assert_type(manager.list_jobs(status=statuses[0]), list[TenantJob])
    assert_type(manager.using(delay=5, unique_key='mail').submit('email', send_email, to='ann'), tuple[str, BackgroundTask])
    assert_type(manager.next_due(), datetime | None)
    assert_type(manager.claim(), Attempt | None)
    assert_type(manager.store, JobStore)
    assert_type(double(2), int)
    assert_type(await send_email('ann'), str)
    assert_type(await manager.drain(), int)
    try: manager.get_job('gone')
    except JobNotFound as e: print(job.value, e)

if __name__=='__main__': asyncio.run(main())
