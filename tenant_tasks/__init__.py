"""Background jobs for multi-tenant FastHTML apps: retries, status and history in each tenant's own SQLite database

Modules:

- `tenant_tasks.manager.manage`: Cancel, retry, reschedule, pause, rescue, count and delete jobs: one, or all that match
- `tenant_tasks.manager.manager`: Submit and track background tasks with automatic retry logic"""

__version__ = "1.0.0"

from collections.abc import Callable
from importlib import import_module

from fastcore.basics import patch

from .jobs.job import BadPayload,JobRecord,TenantJob,statuses,transitions
from .jobs.history import Batch,Failure,JobList,LogLine,LogLines,PastAttempt,Step,Timings,TypeTimes
from .jobs.retry import Cancel,Fail,Retry,Snooze,exp_backoff
from .jobs.recurrence import Schedule,next_tick
from .db.transaction import Transaction
from .db.events import Event,on_event
from .db.queue import Pause,TaskQueue
from .jobs.task import task
from .run.process import ThreadLimit,task_threads
from .run.current import current_job
from .run.attempt import Attempt
from .run.atomic import JobTransaction
from .run.executors import Processes,set_executors
from .manager.manager import BackgroundTaskManager,JobNotFound,JobStateError,Submitted
from .manager.manage import Acted
from .manager import schedules

_later = { # chkstyle: ignore-node
    'fleet.tenants': 'BadTenantName TenantNotFound Tenants', 'fleet.mapping': 'TenantMap',
    'fleet.worker': 'Worker',
    'web.secrets': 'hide_secrets',
    'web.views': 'View',
    'web.card': 'JobCard',
    'web.details': 'JobDetails',
    'web.table': 'JobTable',
    'web.charts': 'JobStats',
    'web.pages': 'jobs_ui',
    'web.operators': 'operator_ui'}

def __getattr__(name):
    "Many tenants, workers and pages are imported when they are used first: a process that only submits needs none"
    module = next((k for k,v in _later.items() if name in v.split()), None)
    if module is None: raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    res = globals()[name] = getattr(import_module(f'.{module}', __name__), name)
    return res

def __dir__(): return sorted({*globals(), *__all__})

@patch
async def watch(self:BackgroundTaskManager,
    job_id:str, # Which job, whichever process runs it
    timeout:float|None=None, # Seconds after which to raise `TimeoutError`
    every:float=.5, # Seconds between two looks
    show:Callable|None=None, # Called with a `JobWatch` after each change, instead of the card or the lines
)->TenantJob: # As it has ended
    "Show a job until it has ended; `JobNotFound` if there is no such job"
    from .ops.watch import watch
    return await watch(self, job_id, timeout, every, show)

__all__ = ['BackgroundTaskManager', 'TenantJob', 'JobNotFound', 'JobStateError', 'BadPayload', 'statuses',
    'transitions', 'task', 'on_event', 'current_job', 'Cancel', 'Fail', 'Retry', 'Snooze', 'exp_backoff',
    'next_tick', 'task_threads', 'Processes', 'set_executors', 'Tenants', 'TenantMap', 'TenantNotFound', 'BadTenantName',
    'Worker', 'JobCard', 'JobTable', 'JobStats', 'JobDetails', 'View', 'hide_secrets', 'jobs_ui',
    'operator_ui']
