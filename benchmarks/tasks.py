"Tasks that the rows submit"
import asyncio,time

from tenant_tasks import current_job,task
from tenant_tasks.jobs.job import parse_time

def called(func, *args):
    "Report a call to `func.calls`, if that is set"
    if calls := getattr(func, 'calls', None): calls(*args)

@task
def noop():
    "Do nothing, or count the call if `noop.calls` is set"
    called(noop)

@task
async def async_noop():
    "Do nothing, or count the call if `async_noop.calls` is set"
    called(async_noop)

@task
def nap(secs):
    "Sleep, in a thread"
    time.sleep(secs)
    called(nap)

@task
async def async_nap(secs): await asyncio.sleep(secs)

@task
def ping(i):
    "Do nothing, and pass the number of the tenant to `ping.calls`"
    called(ping, i)

@task
def ten_steps():
    "Call ten functions that do nothing, each as a step"
    for i in range(10): current_job().step(f'step {i}', int)
    called(ten_steps)

@task
def say():
    "Print a line"
    print('ran', flush=True)

@task
def hold():
    "Print 'held' and wait to be killed on the first attempt; print 'resumed' on a later one"
    print('held' if current_job().attempt==1 else 'resumed', flush=True)
    if current_job().attempt==1: time.sleep(300)

def fails(): raise ConnectionError('not now')

def start_delay(
    job, # A job that has started
)->float: # Seconds
    "How long the job waited for its start"
    return (parse_time(job.started_at)-parse_time(job.created_at)).total_seconds()
