# Made by tools/stubs.py from the module of the same name; do not edit
"Background jobs for multi-tenant FastHTML apps, in each tenant's own SQLite database"
__version__: str

from .job import BadPayload,TenantJob,statuses,transitions
from .retry import Cancel,Snooze,exp_backoff
from .schedule import next_tick
from .events import on_event
from .task import task
from .process import task_threads
from .attempt import current_job
from .executors import Processes,set_executors
from .manager import BackgroundTaskManager,JobNotFound,JobStateError
from . import matching,schedules
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

__all__ = ['BackgroundTaskManager', 'TenantJob', 'JobNotFound', 'JobStateError', 'BadPayload', 'statuses', 'transitions',
    'task', 'on_event', 'current_job', 'Cancel', 'Snooze', 'exp_backoff', 'next_tick', 'task_threads', 'Processes', 'set_executors',
    'Tenants', 'TenantMap', 'TenantNotFound', 'BadTenantName', 'Worker', 'JobCard', 'JobTable', 'JobStats', 'JobDetails',
    'View', 'hide_secrets', 'jobs_ui', 'operator_ui']
