"Background jobs for multi-tenant FastHTML apps, in each tenant's own SQLite database"
__version__ = "0.1.0"

from .job import BadPayload,JobList,JobRecord,TenantJob,statuses,transitions
from .job import Batch,Failure,LogLine,LogLines,PastAttempt,Step,Timings,TypeTimes
from .retry import Cancel,Snooze,exp_backoff
from .schedule import Schedule,next_tick
from .transaction import Transaction
from .events import Event,on_event
from .store import Pause,TaskQueue
from .task import task
from .process import ThreadLimit,task_threads
from .attempt import Attempt,current_job
from .steps import JobTransaction
from .executors import Processes,set_executors
from .manager import BackgroundTaskManager,JobNotFound,JobStateError,Submitted
from .matching import Acted
from . import schedules
from .tenants import BadTenantName,TenantMap,TenantNotFound,Tenants
from .worker import Worker
from .secrets import hide_secrets
from .views import View
from .components import JobCard,JobDetails
from .tables import JobTable
from .charts import JobStats
from .pages import jobs_ui
from .operators import operator_ui
from . import watch

__all__ = ['BackgroundTaskManager', 'TenantJob', 'JobNotFound', 'JobStateError', 'BadPayload', 'statuses',
    'transitions', 'task', 'on_event', 'current_job', 'Cancel', 'Snooze', 'exp_backoff', 'next_tick',
    'task_threads', 'Processes', 'set_executors', 'Tenants', 'TenantMap', 'TenantNotFound', 'BadTenantName',
    'Worker', 'JobCard', 'JobTable', 'JobStats', 'JobDetails', 'View', 'hide_secrets', 'jobs_ui',
    'operator_ui']
