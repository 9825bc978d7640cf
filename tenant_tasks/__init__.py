"Background jobs for multi-tenant FastHTML apps, in each tenant's own SQLite database"
__version__ = "0.1.0"

from .jobs.job import BadPayload,JobList,JobRecord,TenantJob,statuses,transitions
from .jobs.job import Batch,Failure,LogLine,LogLines,PastAttempt,Step,Timings,TypeTimes
from .jobs.retry import Cancel,Snooze,exp_backoff
from .jobs.recurrence import Schedule,next_tick
from .db.transaction import Transaction
from .db.events import Event,on_event
from .db.store import Pause,TaskQueue
from .jobs.task import task
from .run.process import ThreadLimit,task_threads
from .run.attempt import Attempt,current_job
from .run.steps import JobTransaction
from .run.executors import Processes,set_executors
from .manager.manager import BackgroundTaskManager,JobNotFound,JobStateError,Submitted
from .manager.manage import Acted
from .manager import schedules
from .fleet.tenants import BadTenantName,TenantMap,TenantNotFound,Tenants
from .fleet.worker import Worker
from .web.secrets import hide_secrets
from .web.views import View
from .web.card import JobCard,JobDetails
from .web.table import JobTable
from .web.charts import JobStats
from .web.pages import jobs_ui
from .web.operators import operator_ui
from .ops import watch

__all__ = ['BackgroundTaskManager', 'TenantJob', 'JobNotFound', 'JobStateError', 'BadPayload', 'statuses',
    'transitions', 'task', 'on_event', 'current_job', 'Cancel', 'Snooze', 'exp_backoff', 'next_tick',
    'task_threads', 'Processes', 'set_executors', 'Tenants', 'TenantMap', 'TenantNotFound', 'BadTenantName',
    'Worker', 'JobCard', 'JobTable', 'JobStats', 'JobDetails', 'View', 'hide_secrets', 'jobs_ui',
    'operator_ui']
