# Made by tools/stubs.py from the module of the same name; do not edit
from .attempt import Attempt
from .job import Batch,Failure,LogLines,PastAttempt,Step,TenantJob,Timings
from .matching import Acted
from .process import Process
from .schedule import Schedule
from .store import JobStore,Pause,TaskQueue
from .transaction import Transaction
from collections.abc import Callable
from datetime import datetime,timedelta
from fastlite import Database,NotFoundError
from starlette.background import BackgroundTask
from typing import Any

__all__ = ['BackgroundTaskManager', 'check_args', 'Submitted', 'JobNotFound', 'BatchNotFound', 'check_filters',
    'JobStateError']

class BackgroundTaskManager:
    """Lightweight background task manager for tenant-level operations."""
    db: Database
    store: JobStore
    backoff: Callable[[int], timedelta | float]
    clock: Callable[[], datetime]
    sleep: Callable[..., Any]
    process: Process

    def __init__(
        self,
        db: Database,
        *,
        backoff: Callable[[int], timedelta | float]=...,
        clock: Callable[[], datetime]=...,
        sleep: Callable[..., Any]=...,
        process: Process=...,
    ) -> None:
        """Args:
            db: A tenant's database, as `fastlite.database` returns it
            backoff: Wait after the n-th failure
            clock: What time it is
            sleep: How to wait, in seconds
            process: Which process this is; another one only in tests
        """

    @property
    def folder(self) -> str:
        """The directory of the tenant's database; '' for one in memory"""

    def __repr__(self) -> str: ...

    def using(
        self,
        *,
        delay: timedelta | float | None=None,
        run_at: datetime | None=None,
        priority: int=0,
        unique_key: str | None=None,
    ) -> BackgroundTaskManager:
        """Options for the jobs that are submitted through the manager that it returns

        Args:
            delay: How long before the job may run, as a duration or in seconds
            run_at: Not before this time, which must have a time zone
            priority: Higher goes first
            unique_key: While a live job has this key, no other is made

        Returns:
            This manager, with options
        """

    def claim(self, job_id: str | None=None) -> Attempt | None:
        """Claim a job for this process, for code that runs jobs

        Args:
            job_id: Which job; the next one that is due if not given

        Returns:
            The attempt, or None if there is nothing to claim
        """

    def next_due(self, ticks: bool=True) -> datetime | None:
        """When the next job that this process can run may start, or the next tick of a schedule

        Args:
            ticks: Do the ticks of schedules count too?

        Returns:
            None if nothing waits
        """

    def claim_next(self, limit: int=1, ended: list[Any] | tuple[Any, ...]=...) -> list[Attempt]:
        """Settle attempts that have ended and claim the next jobs, in one transaction

        Args:
            limit: How many jobs at most; more than one only if the event loop waits for all of them
            ended: Attempts with an outcome

        Returns:
            The next ones
        """

    def submit(
        self,
        /,
        job_type: str,
        task_func: Callable[..., Any],
        max_retries: int=...,
        **task_kwargs: Any,
    ) -> tuple[str, BackgroundTask]:
        """Submit a new background task for execution.

        Args:
            job_type: Job category (e.g., "sync", "email")
            task_func: What to run: a function or an async function
            max_retries: Attempts in all, the first included; a task may have another default
            task_kwargs: Arguments for `task_func`, as JSON can hold them

        Returns:
            The job's id (a `JobId`), and the task that a route returns along with its response
        """

    def submit_many(
        self,
        job_type: str,
        task_func: Callable[..., Any],
        kwargs_list: list[dict[Any, Any]],
        max_retries: int=...,
        then: Callable[..., Any] | None=None,
        then_kwargs: dict[Any, Any] | None=None,
    ) -> Submitted:
        """Submit one job for each dict of arguments, in one transaction

        Args:
            job_type: Job category
            task_func: What to run
            kwargs_list: One dict of arguments for each job
            max_retries: Attempts in all, for each; a task may have another default
            then: A registered task that runs once when all of them have ended
            then_kwargs: Arguments for `then`

        Returns:
            Id and background task of each, in the same order; `batch` is the id of the job of `then`
        """

    def transaction(self) -> Transaction:
        """A transaction for the app's own rows and its jobs: all are written, or none

        Returns:
            `with` or `async with` it; gives the tenant's database
        """

    def get_job(self, job_id: str) -> TenantJob:
        """Get job status and details.

        Args:
            job_id: The id that `submit` returned

        Returns:
            The job as it is now
        """

    def steps_of(self, job_id: str, limit: int=1000, longest: int=...) -> list[Step]:
        """The steps and checkpoints of a job

        Args:
            job_id: Which job
            limit: How many at most
            longest: Longer values are replaced by a note on their length

        Returns:
            The newest ones, in the order in which they were written
        """

    def log_of(self, job_id: str, after: int=0) -> LogLines:
        """What a job has written to its log with `current_job().log`, also while it runs

        Args:
            job_id: Which job
            after: Only lines behind the one with this number

        Returns:
            Oldest first; `cut` is how many lines in front of them are gone
        """

    def attempts_of(self, job_id: str) -> list[PastAttempt]:
        """The newest attempts of a job: start, end and outcome of each

        Args:
            job_id: Which job

        Returns:
            Oldest first, up to the one that runs
        """

    def get_batch(self, batch_id: str, limit: int=1000) -> Batch:
        """Counts by status, and ids of failed jobs, of a batch; `BatchNotFound` if there is none

        Args:
            batch_id: The `batch` of what `submit_many` returned, or of one of its jobs
            limit: How many ids of failed jobs at most

        Returns:
            As it is now
        """

    def batches(self, limit: int=20, below: str | None=None) -> list[Batch]:
        """The newest batches, and how far each is

        Args:
            limit: How many at most
            below: Only batches older than the one with this id

        Returns:
            The newest first
        """

    def list_jobs(
        self,
        job_type: str | None=None,
        status: str | None=None,
        limit: int=100,
        batch: str | None=None,
        **filters: Any,
    ) -> list[TenantJob]:
        """List jobs with optional filtering.

        Args:
            job_type: Only this type
            status: Only this status
            limit: How many at most
            batch: Only this batch, with the job that follows it
            filters: `schedule`, `since`, `until`, `text` and `error`, see `check_filters`

        Returns:
            Newest first
        """

    def cancel_job(self, job_id: str) -> TenantJob:
        """Cancel a pending job, or ask a running one to stop; `JobStateError` if it has completed or failed

        Args:
            job_id: Which job

        Returns:
            Cancelled, or running with `cancel_requested`
        """

    def retry_job(self, job_id: str, restart: bool=False, changes: dict[Any, Any] | None=None) -> TenantJob:
        """Let a failed or cancelled job start again; `JobStateError` if it is in another state

        Args:
            job_id: Which job
            restart: Start all over, instead of behind the finished steps?
            changes: Arguments that it gets in place of those it had; the others stay

        Returns:
            Pending again, with all its attempts; `drain`, `run_again` or a worker runs it
        """

    def run_again(self, jobs: list[TenantJob]) -> BackgroundTask:
        """A background task that runs retried jobs after the response, like the one that `submit` returns for a new job

        Args:
            jobs: Jobs as `retry_job` returned them

        Returns:
            To be returned along with a response
        """

    def reschedule_job(
        self,
        job_id: str,
        *,
        delay: timedelta | float | None=None,
        run_at: datetime | None=None,
    ) -> TenantJob:
        """Let a pending job run earlier or later; `JobStateError` if it isn't pending

        Args:
            job_id: Which job
            delay: This much later than now, as a duration or in seconds
            run_at: At this time, which must have a time zone

        Returns:
            Still pending, with its new `run_at`
        """

    def pause(self, job_type: str | None=None, until: datetime | None=None, reason: str='') -> Pause:
        """Start no more jobs until `resume`, or until a time; calling it again changes the pause

        Args:
            job_type: Only jobs of this type; all if not given
            until: When the pause ends by itself; it must have a time zone
            reason: Why, for people to read

        Returns:
            What is paused
        """

    def resume(self, job_type: str | None=None) -> bool:
        """End a pause; the pause of all jobs and that of a type are apart

        Args:
            job_type: The type that was paused; if not given, the pause of all jobs ends

        Returns:
            Was it paused?
        """

    def pauses(self) -> list[Pause]:
        """What is paused now

        Returns:
            By type; the one of all jobs, whose type is '', first
        """

    def queues(self, limit: int=100) -> list[TaskQueue]:
        """How many jobs of each task run and wait, and what its limits are

        Args:
            limit: How many tasks at most

        Returns:
            By task: those with live jobs, and those with a limit or a rate in this process
        """

    async def drain(self) -> int:
        """Run all jobs that are due now and whose function this process has; for tests and scripts

        Returns:
            Attempts made
        """

    def rescue(self) -> list[TenantJob]:
        """Take over the jobs of processes that have died

        Returns:
            The jobs that were rescued, or failed for good
        """

    def job_stats(self) -> dict[Any, Any]:
        """How many jobs are in each status, and how long the oldest pending one has been due

        Returns:
            A count for each status, and `oldest_pending` in seconds (None if nothing is pending)
        """

    def prune(self, older_than: timedelta) -> int:
        """Delete jobs that completed, failed or were cancelled long ago

        Args:
            older_than: They ended at least this long ago

        Returns:
            Jobs deleted
        """

    def failures(self, since: datetime | None=None, limit: int=50) -> list[Failure]:
        """Failed jobs by type and error; `list_jobs(status='failed', error=…)` lists those of one kind

        Args:
            since: Failed at this time or later
            limit: How many kinds at most

        Returns:
            The most frequent first; `cut` if older failures weren't looked at
        """

    def timings(self, since: datetime | None=None, limit: int=3000) -> Timings:
        """How many jobs ended when, and how long those of each type waited and ran

        Args:
            since: Ended at this time or later; an hour ago if not given
            limit: How many jobs count at most, the newest

        Returns:
            By minute if no more than three hours are asked for, else by hour
        """

    def retry_matching(self, status: str='failed', restart: bool=False, **filters: Any) -> Acted:
        """Retry all jobs that match

        Args:
            status: 'failed' or 'cancelled'
            restart: Start all over, instead of behind the finished steps?
            filters: Others, see `check_filters`

        Returns:
            More than `at_once` jobs, or more than are looked through at once, are left to a job
        """

    def cancel_matching(self, status: str='pending', **filters: Any) -> Acted:
        """Cancel all pending jobs that match, or ask running ones to stop

        Args:
            status: 'pending' or 'running'
            filters: Others, see `check_filters`

        Returns:
            More than `at_once` jobs, or more than are looked through at once, are left to a job
        """

    def schedule(
        self,
        name: Any,
        func: Any,
        /,
        cron: str | None=None,
        every: timedelta | float | None=None,
        tz: str='UTC',
        catch_up: str='once',
        overlap: str='skip',
        spread: timedelta | float=0,
        **kwargs: Any,
    ) -> Schedule:
        """Run a registered task again and again; the same name changes the schedule that is there

        Args:
            cron: As in '0 7 * * 1': minute, hour, day, month, weekday
            every: Or an interval, as a duration or in seconds
            tz: The time zone in which `cron` is meant
            catch_up: Ticks of a downtime: one job for all, `skip` them, or `all`, the latest hundred
            overlap: May a run start while an earlier one goes on? `skip` or `allow`
            spread: Delay each tenant by a share of this time, always the same
            kwargs: Arguments for `func`, as JSON can hold them

        Returns:
            The row, with the `next_at` of its first tick
        """

    def schedules(self) -> list[Schedule]:
        """The schedules of this tenant

        Returns:
            By name
        """

    def get_schedule(self, name: str) -> Schedule:
        """One schedule; `ScheduleNotFound`, a `KeyError`, if there is none

        Args:
            name: Which schedule

        Returns:
            As it is now
        """

    def tick(self) -> datetime | None:
        """Make the jobs of all schedules that are due now

        Returns:
            When the next tick is due; None if there is no schedule that isn't paused
        """

    def pause_schedule(self, name: str) -> Schedule:
        """Make no jobs of a schedule until it is resumed; `ScheduleNotFound` if there is none

        Args:
            name: Which schedule

        Returns:
            The row, paused
        """

    def resume_schedule(self, name: str) -> Schedule:
        """Let a paused schedule go on; `ScheduleNotFound` if there is none

        Args:
            name: Which schedule

        Returns:
            The row, with its next tick after now
        """

    def run_now(self, name: str) -> TenantJob:
        """Run a schedule's task now, apart from its ticks; `ScheduleNotFound` if there is none

        Args:
            name: Which schedule

        Returns:
            The new job, or the one that is live
        """

    def unschedule(self, name: str) -> None:
        """Delete a schedule, not its jobs; `ScheduleNotFound` if there is none

        Args:
            name: Which schedule
        """

    def declare_schedules(self, wanted: list[Schedule]) -> None:
        """Bring the schedules that a worker has declared for this tenant in line with what it declares now

        Args:
            wanted: As `new_schedule` makes them
        """

    async def watch(
        self,
        job_id: str,
        timeout: float | None=None,
        every: float=0.5,
        show: Callable[..., Any] | None=None,
    ) -> TenantJob:
        """Show a job until it has ended; `JobNotFound` if there is no such job

        Args:
            job_id: Which job, whichever process runs it
            timeout: Seconds after which to raise `TimeoutError`
            every: Seconds between two looks
            show: Called with a `JobWatch` after each change, instead of the card or the lines

        Returns:
            As it has ended
        """

def check_args(func: Callable[..., Any], kwargs: dict[Any, Any]) -> dict[Any, Any]:
    """`TypeError` unless the arguments fit the function's signature

    Args:
        func: A function
        kwargs: Arguments for it

    Returns:
        The same
    """

class Submitted(list):
    """What `submit_many` returns: pairs of a job's id and its background task"""
    batch: str | None

    def __init__(
        self,
        pairs: list[Any] | tuple[Any, ...]=...,
        batch: str | None=None,
        then: BackgroundTask | None=None,
    ) -> None:
        """Args:
            pairs: Id and background task of each job, in the same order
            batch: Id of the job that follows when all have ended
            then: Its background task, needed if there are no others
        """

    @property
    def bg_task(self) -> BackgroundTask:
        """Runs all of them after a response"""

class JobNotFound(KeyError, NotFoundError):
    """There is no job with this id in this tenant's database"""

    def __init__(self, job_id: Any) -> None: ...

    def __str__(self) -> str: ...

class BatchNotFound(JobNotFound):
    """There is no batch with this id in this tenant's database"""

    def __init__(self, batch_id: Any) -> None: ...

def check_filters(filters: dict[Any, Any]) -> dict[Any, Any]:
    """Check filters of jobs: `since` and `until` are when it ended, or was submitted if it is live

    Args:
        filters: `job_type`, `status`, `batch`, `schedule`, `since`, `until`, `text`, `error`; None for any

    Returns:
        Those that are given, as `JobStore.find` takes them
    """

class JobStateError(ValueError):
    """The job's state doesn't allow what was asked for; `reason` says in one word why, for texts in other languages"""
    reason: str

    def __init__(self, text: str, reason: str='') -> None:
        """Args:
            text: Why, as a sentence
            reason: 'cancel', 'retry' or 'run' if the status is wrong; 'lost', 'taken' or 'batch'; '' for the rest
        """
