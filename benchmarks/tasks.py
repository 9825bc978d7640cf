"Tasks that the rows submit"
import time

from tenant_tasks import current_job,task
from tenant_tasks.job import parse_time

@task
def noop():
    "Do nothing, or count the call if `noop.calls` is set"
    if calls := getattr(noop, 'calls', None): calls()

@task
def nap(secs): time.sleep(secs)

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
