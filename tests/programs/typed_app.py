"An app in which every name at the top of the package stands; type checkers have nothing to say about it, and it runs"
import asyncio
from datetime import datetime,timedelta
from typing import Any

from fasthtml.common import fast_app
from fastlite import database
from starlette.background import BackgroundTask
from typing_extensions import assert_type

from tenant_tasks import Attempt,BackgroundTaskManager,BadPayload,BadTenantName,Cancel,Event,Fail,JobCard,JobDetails
from tenant_tasks import JobNotFound,JobStateError,JobStats,JobTable,Processes,Retry,Snooze,TenantJob,TenantMap,TenantNotFound
from tenant_tasks import Tenants,View,Worker,current_job,exp_backoff,hide_secrets,jobs_ui,next_tick,on_event,operator_ui
from tenant_tasks import set_executors,statuses,task,task_threads,transitions

@task
def double(n: int) -> int:
    return 2*n

@task(name='mail', timeout=timedelta(minutes=1), retry_on=(OSError,))
async def send_email(to: str) -> str: return to

def is_worth_it(e: BaseException) -> bool: return not isinstance(e, KeyError)

@task(on_failure=send_email, retry_on=is_worth_it)
def deliver(status: int, wait: str | None = None) -> None:
    if status==503: raise Retry('try later', after=wait)
    if status!=200: raise Fail(f'answered {status}')
    current_job().db.t.deliveries.insert(dict(status=status))

def all_delivered(manager: BackgroundTaskManager) -> bool:
    many = manager.using(title='Deliveries', expires=60).submit_many('deliver', deliver, [dict(status=200)])
    return manager.get_batch(many.batch).ended==1

def again(manager: BackgroundTaskManager, job: TenantJob) -> BackgroundTask | None:
    return manager.run_again([manager.retry_job(job.id)]) if job.status in ('failed', 'cancelled') else None

def at_night() -> None:
    job: Attempt = current_job() # chkstyle: ignore
    job.progress(.5, 'half of it')
    if job.step('ask', lambda: False): raise Cancel('not wanted')
    raise Snooze(timedelta(hours=1), 'electricity is cheaper at night')

def worker_of(tenants: Tenants) -> Worker:
    assert_type(tenants['acme'], BackgroundTaskManager)
    assert_type([o for o in tenants], list[str])
    try: tenants.create('acme/..')
    except (BadTenantName, TenantNotFound): pass
    set_executors(cpu=Processes(2))
    return Worker(tenants, concurrency=task_threads.size)

def pages(manager: BackgroundTaskManager, tenants: Tenants) -> list[Any]:
    def manager_for(req: Any) -> BackgroundTaskManager: return manager
    def guard(req: Any) -> str: return 'act'
    app: Any = fast_app(secret_key='x')[0] # chkstyle: ignore
    jobs_ui(app, manager_for, guard)
    operator_ui(app, tenants, guard)
    view,job = View(act=False),manager.list_jobs()[0]
    return [JobCard(hide_secrets(job)), JobDetails(job, view=view), JobTable([job]), JobStats(manager)]

@on_event
def listen(event: Event) -> None: print(event.move)

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
    later = manager.using(delay=5, unique_key='mail')
    assert_type(later.submit('email', send_email, to='a'), tuple[str, BackgroundTask])
    assert_type(manager.next_due(), datetime | None)
    assert_type(manager.claim(), Attempt | None)
    assert_type(next_tick('0 7 * * *', 'UTC', manager.clock()), datetime)
    assert_type(double(2), int)
    assert_type(await send_email('ann'), str)
    assert_type(await manager.drain(), int)
    assert len(pages(manager, TenantMap(dict(acme=manager.db))))==4 and 'claim' in transitions
    for f in (manager.retry_job, manager.get_job):
        try: f('gone')
        except (JobNotFound, JobStateError, BadPayload) as e: print(job.value, e)

if __name__=='__main__': asyncio.run(main())
