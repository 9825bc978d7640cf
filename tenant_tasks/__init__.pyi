# Made by tools/stubs.py; do not edit
import threading
from collections.abc import Callable,Iterator,Mapping
from concurrent.futures import Executor,Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime,timedelta
from fastcore.xml import FT
from fasthtml.core import FastHTML
from fastlite import Database,NotFoundError
from pathlib import Path
from starlette.background import BackgroundTask
from typing import Any,ClassVar,NamedTuple,TypeVar,overload

__all__ = ['BackgroundTaskManager', 'TenantJob', 'JobNotFound', 'JobStateError', 'BadPayload', 'statuses',
    'transitions', 'task', 'on_event', 'current_job', 'Cancel', 'Fail', 'Retry', 'Snooze', 'exp_backoff',
    'next_tick', 'task_threads', 'Processes', 'set_executors', 'Tenants', 'TenantMap', 'TenantNotFound', 'BadTenantName',
    'Worker', 'JobCard', 'JobTable', 'JobStats', 'JobDetails', 'View', 'hide_secrets', 'jobs_ui',
    'operator_ui']

__version__: str

_F = TypeVar('_F', bound=Callable[..., Any])

class BadPayload(ValueError):
    "A payload or a step's value can't be stored, or the stored payload isn't a JSON object of arguments"

@dataclass
class JobRecord:
    "The columns that users read"
    id: str
    "Unique job identifier"
    job_type: str
    """Job category (e.g., "sync", "email")"""
    status: str = 'pending'
    "pending / running / completed / failed / cancelled"
    payload: str | None = '{}'
    "JSON kwargs passed to task function"
    result: str | None = None
    "JSON result on completion"
    error_log: str | None = None
    "Stack trace of the last failure; earlier attempts follow"
    retry_count: int = 0
    "Failed attempts so far"
    max_retries: int = 3
    "Attempts in all before marking failed"

@dataclass
class TenantJob(JobRecord):
    "Tenant-level background job with retry support."
    created_at: str | None = None
    "When it was submitted"
    started_at: str | None = None
    "When its latest attempt started"
    completed_at: str | None = None
    "When it reached a final state"
    run_at: str = ''
    "When it may run; '' means at once"
    priority: int = 0
    "Higher goes first"
    unique_key: str | None = None
    "At most one live job has this key"
    task: str | None = None
    "Name under which any process finds the function"
    function: str | None = None
    "The function's name, for people to read; it is never used to call anything"
    owner: str | None = None
    "Process that submitted it or, once claimed, runs it"
    claim: str | None = None
    "A token unique to this claim, needed to write the outcome"
    lease_until: str | None = None
    "When the claim ends unless its process renews it"
    progress: float | None = None
    "From 0 to 1"
    progress_note: str | None = None
    "The current step, in words"
    cancel_requested: int = 0
    "1 once a user has asked a running job to stop"
    deaths: int = 0
    "Deaths of its processes that spent no attempt, because the job had got further"
    batch: str | None = None
    "The batch that it belongs to, which is the id of the job that follows the batch"
    schedule: str | None = None
    "Name of the schedule that made it"
    tick: str | None = None
    "The time for which its schedule made it"
    attempt_log: str | None = None
    "JSON of its newest attempts that ended, all but a completed one"
    trace: str | None = None
    "The W3C trace context of the code that submitted it, if that is traced"
    title: str | None = None
    "What people see instead of its type"
    expires_at: str | None = None
    "No attempt starts from this time on"
    on_failure: str | None = None
    "The task whose job is submitted when this one fails"

    @property
    def errors(self) -> list[dict[Any, Any]]:
        "The failed attempts, newest first"

    @property
    def attempts(self) -> list[PastAttempt]:
        "Its newest attempts, oldest first, up to the one that runs"

    @property
    def waited(self) -> float | None:
        "Seconds from when its latest attempt was due to its start; None if it hasn't started since it became due"

    @property
    def ran(self) -> float | None:
        "Seconds that its last attempt took; None while it is pending or running, or if it ended without a start"

    @property
    def kwargs(self) -> dict[Any, Any]:
        "The payload, decoded: what the task function receives"

    @property
    def value(self) -> Any:
        "The result, decoded: what the task function returned"

    @property
    def label(self) -> str:
        "What people see of it first: its title, or its type"

    def __ft__(self) -> Any: ...

statuses: tuple[str, ...]

transitions: dict[Any, Any]

class Batch(NamedTuple):
    "How far the jobs of a batch are; the job that follows isn't counted"
    id: str
    "The id of the job that follows"
    counts: dict[Any, Any]
    "How many of them are in each status"
    failed: list[Any]
    "Ids of those that failed, in the order of submission, up to a limit"

    @property
    def total(self) -> int:
        "How many jobs it has"

    @property
    def ended(self) -> int:
        "How many of them have ended"

    def __str__(self) -> str: ...

class Failure(NamedTuple):
    "Jobs of one type that failed for the same reason"
    job_type: str
    "Their type"
    error: str
    "What `error_line` says of each"
    n: int
    "How many they are"
    first: str
    "When the first of them failed"
    last: str
    "When the last of them failed"
    example: str
    "The id of the newest"

class JobList(list[Any]):
    "A list of jobs that is displayed as a table in a notebook"
    last: Any
    "Row number below which the next page starts, see `JobStore.find`"
    cut: bool
    "Were older rows left unread, after many that don't match?"

class LogLine(NamedTuple):
    "A line of a job's log"
    n: int
    "Its number, from 1"
    attempt: int
    "Which attempt wrote it"
    at: str
    "When"
    text: str
    "What"

class LogLines(list[Any]):
    "Lines of a job's log, oldest first"
    cut: int
    "How many lines in front of these are gone"

class PastAttempt(NamedTuple):
    "An attempt at a job"
    number: int
    "Which attempt, from 1"
    start: str | None
    "When it started"
    end: str | None
    "When it ended; None while it runs"
    outcome: str
    "completed, failed, cancelled, died, snoozed or released; or running"

    @property
    def secs(self) -> float | None:
        "How many seconds it took; None while it runs"

class Step(NamedTuple):
    "What a job has finished: a step, or how far a checkpoint is"
    name: str
    "Unique within its job"
    kind: str
    "'step' or 'checkpoint'"
    at: str
    "When it was written"
    claim: str
    "The claim under which it was written"
    text: str
    "Its value, as JSON"

    @property
    def value(self) -> Any:
        "The value, decoded"

class Timings(NamedTuple):
    "What ended lately, and how long it took"
    since: str
    "Nothing that ended earlier is in it"
    cut: bool
    "Is this later than was asked for, because so many have ended?"
    per: str
    "'minute' or 'hour'"
    buckets: dict[Any, Any]
    "By the start of a time in UTC, as in '2026-11-23T12:05': how many ended, by status"
    types: list[Any]
    "`TypeTimes`, by type"

class TypeTimes(NamedTuple):
    "How long the jobs of one type took that ended lately"
    job_type: str
    "Their type"
    n: int
    "How many completed or failed"
    failed: int
    "How many of these failed"
    waited: tuple[Any, ...]
    "Seconds from due to start that half of them, and 95 % of them, needed at most"
    ran: tuple[Any, ...]
    "The same of the seconds that the last attempt took"

class Cancel(Exception):
    "Raised by a task: end this job as `cancelled`, for the reason given"

class Fail(Exception):
    "Raised by a task: this job has `failed`, and another attempt would fail too"

class Retry(Exception):
    "Raised by a task: this attempt has failed, and the next one is worth it after a wait"
    after: Any

    def __init__(self, reason: str='', after: timedelta | float | str | None=None) -> None:
        """Args:
            reason: Why, for the error log
            after: How long, or what an HTTP header `Retry-After` says; else the backoff
        """

class Snooze(Exception):
    "Raised by a task: run this job again later, without counting an attempt"
    reason: str
    wait: timedelta

    def __init__(self, wait: timedelta | float, reason: str='') -> None:
        """Args:
            wait: How long, as a duration or in seconds; more than 0
            reason: Why, for people who look at the job
        """

def exp_backoff(failures: int) -> timedelta:
    """Double the wait after each failure: 2 s, 4 s, 8 s

    Args:
        failures: Failed attempts so far, 1 or more

    Returns:
        Wait before the next attempt
    """

@dataclass
class Schedule:
    "What recurs, when, and how"
    name: str
    "Unique in its tenant; the `job_type` of its jobs"
    task: str
    "Name of the task that it runs"
    cron: str | None = None
    "A cron expression"
    every: float | None = None
    "Or an interval in seconds"
    tz: str = 'UTC'
    "The time zone in which `cron` is meant"
    payload: str = '{}'
    "JSON kwargs for the task"
    max_retries: int = 3
    "Attempts in all of each of its jobs"
    catch_up: str = 'once'
    "What becomes of the ticks of a downtime: once / skip / all"
    overlap: str = 'skip'
    "May a run start while an earlier one goes on? skip / allow"
    spread: float = 0.0
    "Seconds over which the tenants are spread"
    delay: float = 0.0
    "This tenant's share of them, in seconds"
    next_at: str = ''
    "When the next tick is due, its delay included"
    last_at: str | None = None
    "All ticks up to this time have been dealt with"
    paused: int = 0
    "1 while it makes no jobs"
    declared: int = 0
    "1 if a worker declares it for all its tenants"

    def is_ahead(self, now: datetime) -> bool:
        "Was its last tick made by a clock that was far ahead? Then `last_at` says nothing"

    def is_overdue(self, now: datetime) -> bool:
        "Is its tick late by minutes, beyond its spread? Never while it is paused"

    def next(self, after: datetime) -> datetime:
        """When the first tick after a time is due

        Args:
            after: A time with a time zone

        Returns:
            In UTC
        """

    def delayed(self, secs: float) -> Schedule:
        """The schedule with another delay

        Args:
            secs: The new delay

        Returns:
            With the same ticks
        """

    def due(self, now: datetime) -> tuple[list[datetime], datetime]:
        """What to do about the ticks that are due

        Args:
            now: The time, at or after `next_at`

        Returns:
            When each tick that becomes a job was due, and when the next tick is
        """

def next_tick(cron: str, tz: str, after: datetime) -> datetime:
    """The first tick after a time; `ValueError` for a wrong expression, a wrong zone, or a day that never comes

    Args:
        cron: Five fields, as in '0 7 * * 1', or six, which begin with the second
        tz: The time zone in which it is meant
        after: A time with a time zone

    Returns:
        In UTC
    """

class Transaction:
    "An immediate transaction of the app: `with` in a thread, `async with` on an event loop"
    link: Any
    app: Database | None
    in_thread: Callable[..., Any]
    db: Any
    "The database in the transaction"
    owner: Any
    "The thread and the asyncio task that have it open; None for a savepoint"

    def __init__(self, link: Any, app: Database | None, in_thread: Callable[..., Any]) -> None:
        """Args:
            link: The link of the database
            app: The app's object for it; None for a file: join no transaction on it
            in_thread: Awaits a call in a thread
        """

    def __enter__(self) -> Any: ...

    def __exit__(self, *exc: Any) -> Any: ...

    async def __aenter__(self) -> Any: ...

    async def __aexit__(self, *exc: Any) -> Any: ...

    def abandon(self) -> None:
        "Roll back a transaction that is still open, whichever thread or task has opened it"

class Event(NamedTuple):
    "One move of a job, after its commit"
    move: str
    "'submit', or a key of `transitions`"
    tenant: str
    "The tenant's name"
    job: TenantJob
    "The row as the move left it"
    queued: float | None = None
    "Seconds that the job had been due when its attempt started; None without an attempt"
    duration: float | None = None
    "Seconds since its attempt started, once it has ended"
    error: str | None = None
    "The traceback or the reason, if the move has added one to the error log"

    def __str__(self) -> str: ...

def on_event(func: Callable[..., Any]) -> Callable[..., Any]:
    """Call a function after each move of a job that this process makes; `TypeError` if it is async

    Returns:
        The function itself
    """

class Pause(NamedTuple):
    "What is paused"
    job_type: str
    "A type of jobs; '' for all of them"
    until: str | None
    "When the pause ends by itself"
    reason: str
    "Why, for people to read"
    at: str
    "When it began"

class TaskQueue(NamedTuple):
    "What there is to do for one task"
    task: str
    "Its name"
    running: int
    "Jobs that run"
    due: int
    "Jobs that could start, except for a pause, a limit, a rate, or a lack of workers"
    later: int
    "Jobs that wait for their time or their batch"
    limit: int | None
    "How many may run at once"
    rate: tuple[Any, ...] | None
    "How many may start, and in how many seconds"
    wait: str | None
    "Until when no other may start; `forever` as long as the limit is reached"
    by: str | None = None
    "The argument for each of whose values the limit counts apart"
    shared: str | None = None
    "The shared limit that holds for it, in each worker process"

@overload
def task(
    func: _F,
    *,
    name: str | None=None,
    backoff: Callable[..., Any] | None=None,
    timeout: timedelta | float | None=None,
    retry_on: type[Any] | Callable[..., Any] | tuple[Any, ...]=...,
    give_up_on: type[Any] | Callable[..., Any] | tuple[Any, ...]=...,
    cancel_on: type[Any] | tuple[Any, ...]=...,
    max_retries: int=3,
    atomic: bool=False,
    limit: int | str | None=None,
    limit_by: str | None=None,
    rate: tuple[Any, ...] | None=None,
    on: str | None=None,
    on_failure: Callable[..., Any] | None=None,
) -> _F:
    """Register a function, so that its jobs outlive the process that submitted them

    Args:
        func: The function, if the decorator has no arguments
        name: Its name in the database; the function's own if not given
        backoff: Wait after the n-th failure, as `f(n)` or `f(n, exception)`; else the manager's
        timeout: How long an attempt may take, as a duration or in seconds
        retry_on: Failures worth another attempt: types, or a function of the exception
        give_up_on: Failures among them that aren't, and end the job as failed
        cancel_on: Exceptions that end the job as cancelled
        max_retries: Attempts in all, the first included, unless a submit says otherwise
        atomic: Run it in one transaction, which also writes its result and its completion
        limit: At most so many of its jobs run at once in each tenant; or a limit of the worker, by name
        limit_by: The argument for each of whose values the limit counts apart
        rate: At most so many start in so many seconds in each tenant, as in (5, 1)
        on: The executor that calls it, one of those given to `Worker` or `set_executors`
        on_failure: A registered task that is submitted with `job_id` and `error` when a job has failed

    Returns:
        The function itself
    """

@overload
def task(
    func: None=None,
    *,
    name: str | None=None,
    backoff: Callable[..., Any] | None=None,
    timeout: timedelta | float | None=None,
    retry_on: type[Any] | Callable[..., Any] | tuple[Any, ...]=...,
    give_up_on: type[Any] | Callable[..., Any] | tuple[Any, ...]=...,
    cancel_on: type[Any] | tuple[Any, ...]=...,
    max_retries: int=3,
    atomic: bool=False,
    limit: int | str | None=None,
    limit_by: str | None=None,
    rate: tuple[Any, ...] | None=None,
    on: str | None=None,
    on_failure: Callable[..., Any] | None=None,
) -> Callable[[_F], _F]:
    """Register a function, so that its jobs outlive the process that submitted them

    Args:
        func: The function, if the decorator has no arguments
        name: Its name in the database; the function's own if not given
        backoff: Wait after the n-th failure, as `f(n)` or `f(n, exception)`; else the manager's
        timeout: How long an attempt may take, as a duration or in seconds
        retry_on: Failures worth another attempt: types, or a function of the exception
        give_up_on: Failures among them that aren't, and end the job as failed
        cancel_on: Exceptions that end the job as cancelled
        max_retries: Attempts in all, the first included, unless a submit says otherwise
        atomic: Run it in one transaction, which also writes its result and its completion
        limit: At most so many of its jobs run at once in each tenant; or a limit of the worker, by name
        limit_by: The argument for each of whose values the limit counts apart
        rate: At most so many start in so many seconds in each tenant, as in (5, 1)
        on: The executor that calls it, one of those given to `Worker` or `set_executors`
        on_failure: A registered task that is submitted with `job_id` and `error` when a job has failed

    Returns:
        The function itself
    """

class ThreadLimit:
    "At most `size` threads at a time, in each event loop"

    def __init__(self, size: int) -> None:
        """Args:
            size: How many, 1 or more
        """

    @property
    def size(self) -> Any: ...

    @size.setter
    def size(self, n: Any) -> None: ...

    async def run(self, f: Any, *args: Any) -> Any:
        "Call `f` in a thread"

    def in_use(self) -> int:
        """How many threads are busy in the running event loop

        Returns:
            Threads
        """

task_threads: ThreadLimit

def current_job() -> Any:
    """The job that the calling function runs in; `LookupError` outside a task function

    Returns:
        With `id`, `progress`, `check`, `step`, `transaction` and `db`
    """

class Attempt(Any):
    "A claimed job, until it is settled, released or given up"
    backoff: Callable[[int], timedelta | float]
    sleep: Callable[..., Any]
    policy: Any
    func: Any
    runner: Any
    "The worker that runs it, if one does"
    outcome: Any
    "`Returned`, or what the function raised"
    row: Any
    "The job as written afterwards; None until then, or if the claim was lost"
    done: bool
    "Nothing is left to do"
    elsewhere: Any
    "The future of its call, if an executor calls the function"
    then: Any
    "The job that tells of its final failure"
    deadline: Any

    def __init__(
        self,
        job: TenantJob,
        store: Any,
        *,
        process: Any=...,
        backoff: Callable[[int], timedelta | float]=...,
        clock: Callable[[], datetime]=...,
        sleep: Callable[..., Any]=...,
    ) -> None:
        """Args:
            job: The job as it was claimed
            store: Where it is stored
            process: The process that holds the claim
            backoff: Wait after the n-th failure, unless the task has its own
            clock: What time it is
            sleep: How to wait, in seconds
        """

    def __repr__(self) -> str: ...

    @property
    def is_async(self) -> bool:
        "Must the function be awaited?"

    @property
    def waits(self) -> bool:
        "Does the event loop wait for its function, instead of a thread?"

    @property
    def runs(self) -> bool:
        "Does its function run?"

    def call(self) -> None:
        "Call a sync function"

    def close(self) -> None:
        "Let the claim go: the attempt was settled, released or given up"

    def settling(self, as_read: bool=False) -> Any:
        """The outcome, as it is to be written

        Args:
            as_read: Only if the lease is still the one in `job`?

        Returns:
            What writing it returns is for `ended`
        """

    def ended(self, row: TenantJob | None, as_read: bool=False) -> None:
        """The outcome was written: let the claim go, and tell

        Args:
            row: The row as written, or None if the claim was lost
            as_read: Is this attempt one of another process?
        """

    def settle(self, as_read: bool=False) -> TenantJob | None:
        """Write the outcome; an error that isn't one of `permanent_errors` means: try again later

        Args:
            as_read: Only if the lease is still the one in `job`?

        Returns:
            The row as written, or None if the claim was lost
        """

    def give_back(self) -> None:
        "Its function was not called: the outcome is a job that waits as before"

    def release(self, wait: float=0) -> TenantJob | None:
        """Put the job back, since its runner ends before its function has

        Args:
            wait: Seconds until the function can't run any more

        Returns:
            The row, or None if the claim was lost
        """

    async def acall(self) -> None:
        "Await an async function, or the awaitable that a sync one returned"

    def leave(self, wait: float=0) -> None:
        """End an attempt whose runner is gone: settle it if it has an outcome, else put the job back

        Args:
            wait: Seconds until the function can't run any more, because its process ends
        """

    def stop(self, outcome: BaseException | None=None) -> None:
        """Cancel an async function that runs on an event loop of this process

        Args:
            outcome: If it ends by that; a `Cancel` if not given
        """

class JobTransaction:
    "A transaction of a job, which commits only while the job's claim is good: `with`, or `async with`"
    job: Any
    part: Transaction
    names: set[Any]
    "Steps that were called in it"
    settled: bool
    "Has it written the outcome of the job?"

    def __init__(self, job: Any) -> None: ...

    def __enter__(self) -> Any: ...

    async def __aenter__(self) -> Any: ...

    async def __aexit__(self, *exc: Any) -> Any: ...

    def __exit__(self, *exc: Any) -> Any: ...

class Processes(Executor):
    "Processes that make one call at a time each; a call that is cancelled or dies takes only its own process with it"
    find_within: int
    "Seconds in which a process must have started, and in which it must have found a function"
    tries: int
    "So many processes may die before they have received a call; then the call fails"
    n: int

    def __init__(self, n: int) -> None:
        """Args:
            n: How many, started when they are needed
        """

    def __repr__(self) -> str: ...

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future:
        """Call a function of a module in one of the processes

        Args:
            args: Its arguments, as JSON can hold them
            kwargs: Its arguments by name

        Returns:
            Of what it returns, as JSON can hold it; to cancel it while it runs kills its process
        """

    def shutdown(self, wait: bool=True, *, cancel_futures: bool=False) -> None:
        """Take no more calls, and end each process when it has made those that wait

        Args:
            wait: Return when all calls have ended?
            cancel_futures: Drop the calls that haven't begun?
        """

def set_executors(**executors: Any) -> None:
    """Let executors call the functions of tasks with `on`; those that were set before stay

    Args:
        executors: By the names that `@task(on=…)` uses
    """

class BackgroundTaskManager:
    "Lightweight background task manager for tenant-level operations."
    left_for: Any
    "How long a due job is left to a worker that doesn't start it"
    db: Database
    store: Any
    backoff: Callable[[int], timedelta | float]
    clock: Callable[[], datetime]
    sleep: Callable[..., Any]
    process: Any

    def __init__(
        self,
        db: Database,
        *,
        backoff: Callable[[int], timedelta | float]=...,
        clock: Callable[[], datetime]=...,
        sleep: Callable[..., Any]=...,
        process: Any=...,
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
        "The directory of the tenant's database; '' for one in memory"

    def __repr__(self) -> str: ...

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

    def prune(self, older_than: timedelta, on_prune: Callable[..., Any] | None=None) -> int:
        """Delete jobs that completed, failed or were cancelled long ago

        Args:
            older_than: They ended at least this long ago
            on_prune: Called with the tenant and a list of jobs before they go; again after a kill

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

    def retry_matching(
        self,
        status: str='failed',
        restart: bool=False,
        dry_run: bool=False,
        **filters: Any,
    ) -> Acted:
        """Retry all jobs that match

        Args:
            status: 'failed' or 'cancelled'
            restart: Start all over, instead of behind the finished steps?
            dry_run: Only count them?
            filters: Others, see `check_filters`

        Returns:
            More than `at_once` jobs, or more than are looked through at once, are left to a job
        """

    def cancel_matching(self, status: str='pending', dry_run: bool=False, **filters: Any) -> Acted:
        """Cancel all pending jobs that match, or ask running ones to stop

        Args:
            status: 'pending' or 'running'
            dry_run: Only count them?
            filters: Others, see `check_filters`

        Returns:
            More than `at_once` jobs, or more than are looked through at once, are left to a job
        """

    def using(
        self,
        *,
        delay: timedelta | float | None=None,
        run_at: datetime | None=None,
        priority: int=0,
        unique_key: str | None=None,
        expires: timedelta | float | datetime | None=None,
        title: str | None=None,
    ) -> BackgroundTaskManager:
        """Options for the jobs that are submitted through the manager that it returns

        Args:
            delay: How long before the job may run, as a duration or in seconds
            run_at: Not before this time, which must have a time zone
            priority: Higher goes first
            unique_key: While a live job has this key, no other is made
            expires: Start it no more then, or after so long: it ends as cancelled
            title: What people see instead of the job's type

        Returns:
            This manager, with options
        """

    def claim(self, job_id: str | None=None) -> Attempt | None:
        """Claim a job that this process can run, for code that runs jobs

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

    def claim_next(
        self,
        limit: int=1,
        ended: list[Any] | tuple[Any, ...]=...,
        together: Callable[..., Any] | None=None,
    ) -> list[Attempt]:
        """Settle attempts that have ended and claim the next jobs, in one transaction

        Args:
            limit: How many jobs at most
            ended: Attempts with an outcome
            together: Which pending jobs it may take with others; those that the event loop waits for

        Returns:
            The next ones
        """

    def submit(
        self,
        /,
        job_type: str,
        task_func: Callable[..., Any] | None=None,
        max_retries: int=...,
        **task_kwargs: Any,
    ) -> tuple[str, BackgroundTask]:
        """Submit a new background task for execution.

        Args:
            job_type: Job category (e.g., "sync", "email")
            task_func: What to run: a function or an async function; alone it stands in the place of the type
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

    def get_batch(self, batch_id: str | None, limit: int=1000) -> Batch:
        """Counts by status, and ids of failed jobs, of a batch; `JobNotFound` if there is none

        Args:
            batch_id: The `batch` of what `submit_many` returned, or of one of its jobs; there is none for None
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

    def tick(self, zone: Callable[..., Any] | None=None) -> datetime | None:
        """Make the jobs of all schedules that are due now

        Args:
            zone: Gives a due schedule's time zone from its next tick on

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

    def redeclare(self, name: str) -> None:
        """Give a schedule back to the worker that declares it, instead of the tenant's own or of none

        Args:
            name: Which schedule
        """

    def declare_schedules(self, wanted: list[Schedule]) -> bool:
        """Bring the schedules that a worker has declared for this tenant in line with what it declares now

        Args:
            wanted: As `new_schedule` makes them

        Returns:
            False if the next tick of some can't be found: what is there of them stays as it is
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

class JobNotFound(KeyError, NotFoundError):
    "There is no job, or no batch, with this id in this tenant's database"

    def __init__(self, job_id: Any, what: Any='job') -> None: ...

    def __str__(self) -> str: ...

class JobStateError(ValueError):
    "The job's state doesn't allow what was asked for; `reason` says in one word why, for texts in other languages"
    reason: str

    def __init__(self, text: str, reason: str='') -> None:
        """Args:
            text: Why, as a sentence
            reason: 'cancel', 'retry' or 'run' if the status is wrong; 'lost', 'taken' or 'batch'; '' for the rest
        """

class Submitted(list[Any]):
    "What `submit_many` returns: pairs of a job's id and its background task"
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
        "Runs all of them after a response"

class Acted(NamedTuple):
    "What became of all jobs that match"
    done: int
    "How many were retried or cancelled, or would be"
    refused: dict[Any, Any]
    "Why others weren't, and how many"
    job_id: str | None
    "The job that does it, if they are many: then nothing has been done yet"
    bg_task: BackgroundTask
    "To be returned along with a response"

    def __str__(self) -> str: ...

class BadTenantName(TenantNotFound, ValueError):
    "No tenant can have this name"

class TenantNotFound(KeyError):
    "There is no tenant with this name"

    def __str__(self) -> str: ...

class Tenants:
    "A directory with one SQLite file for each tenant"
    path: Any
    suffix: str
    max_open: int
    manager_kw: Any
    clock: Any

    def __init__(self, path: str | Path, *, suffix: str='.db', max_open: int=1000, **manager_kw: Any) -> None:
        """Args:
            path: The directory; made if its parent is there
            suffix: What the name of a tenant's file ends with
            max_open: Max. open managers; beyond that, random eviction
            manager_kw: For each `BackgroundTaskManager`: backoff, clock, sleep
        """

    def set_up(self, max_open: Any, manager_kw: Any) -> None:
        "What a directory and a mapping have in common"

    def __repr__(self) -> str: ...

    def file(self, name: str) -> str:
        "Path of a tenant's database; `BadTenantName`, a `ValueError`, for a name that no tenant can have"

    def find(self, name: Any) -> Any:
        "A tenant's database, for a new manager"

    def stamp(self, name: Any) -> Any:
        "Device and inode of a tenant's file, None if there is none"

    def forget(self, name: str) -> None:
        "Forget a tenant's manager"

    def __getitem__(self, name: Any) -> BackgroundTaskManager:
        "A tenant's manager; `TenantNotFound` if there is no such tenant"

    def check_suffix(self) -> None:
        "`ValueError` if the files can't be told from others"

    @contextmanager
    def naming(self) -> Iterator[Any]:
        "Tenants are made, renamed and removed one at a time, in all processes"

    def create(self, name: str) -> BackgroundTaskManager:
        "Create a tenant's database if it doesn't exist: its manager"

    def link(self, name: str) -> Any:
        "The link of a tenant's database, without opening it"

    def drop(self, name: str) -> None:
        "Close a tenant's database in this process"

    def __contains__(self, name: Any) -> Any:
        "Is there a tenant of this name? Opens no database of a directory"

    def __iter__(self) -> Iterator[str]:
        "The names of all tenants"

    def name_of(self, manager: BackgroundTaskManager) -> str | None:
        "The tenant of a manager, None if it is no tenant of these"

    def name_at(self, path: str) -> str | None:
        """The tenant of a file, None if it is no tenant of these

        Args:
            path: A database file, by its full path
        """

    def served(self) -> dict[str, str]:
        "By directory, a regular expression for the names of these tenants' files"

    def rename(self, old: str, new: str, wait: float=0) -> None:
        """Give a tenant another name, with all its data; `JobStateError` if it has running jobs

        Args:
            old: A tenant
            new: A name that no tenant has
            wait: Seconds that running jobs get to end
        """

    def replace(self, name: str, new: str, wait: float=0) -> str:
        """Put another file in the place of a tenant's database; `JobStateError` if it has running jobs

        Args:
            name: A tenant
            new: A database file in the same directory, which gets its name
            wait: Seconds that running jobs get to end

        Returns:
            The path of the old file
        """

    def remove(self, name: str, wait: float=0) -> None:
        """Delete a tenant's database with all its data; `JobStateError` if it has running jobs

        Args:
            name: A tenant
            wait: Seconds that running jobs get to end
        """

    def files(self) -> Iterator[Any]:
        "Pairs of tenant and the state of one of its files"

    def changed(self, seen: dict[Any, Any]) -> list[str]:
        """Which tenants may have something to do?

        Args:
            seen: What the same caller saw in its last scan; updated in place

        Returns:
            Tenants that are new, or whose files were written to since then; the latest write first
        """

    def state(self, name: str) -> tuple[Any, ...]:
        "Modification times and sizes of a tenant's files, equal as long as they aren't written to"

    def watch(self, stop: threading.Event) -> Iterator[list[str]]:
        "Tenants whose files have just been written to, until `stop` is set; `OSError` if changes can't be waited for"

    def elsewhere(self) -> list[str]:
        "Tenants whose file is a link, as far as they have been seen: `watch` reports nothing about them"

    def may_have_work(self, name: str) -> bool:
        "May this tenant have a job that isn't done? Leaves its database closed"

class TenantMap(Tenants):
    "Tenants in a dict, or behind a function"
    get: Any
    names: Callable[..., Any] | None

    def __init__(
        self,
        get: Mapping[Any, Any] | Callable[..., Any],
        *,
        names: Callable[..., Any] | None=None,
        max_open: int=1000,
        **manager_kw: Any,
    ) -> None:
        """Args:
            get: A database by the tenant's name
            names: Returns all names, if `get` is a function
            max_open: Max. managers
            manager_kw: For each `BackgroundTaskManager`
        """

    def __repr__(self) -> str: ...

    def __iter__(self) -> Iterator[str]:
        "The names of all tenants, as far as they are known"

    def find(self, name: Any) -> Any:
        "A tenant's database, as the app has it"

    def stamp(self, name: Any) -> Any:
        "The app decides which of its databases are open"

    def file(self, name: Any) -> Any:
        "Path of a tenant's database, '' for one in memory"

    def link(self, name: Any) -> Any:
        "The link of a tenant's database"

    def name_of(self, manager: Any) -> Any:
        "The tenant of a manager, None if it is no tenant of these"

    def name_at(self, path: Any) -> Any:
        "The tenant of a file, None if it is no tenant of these"

    def served(self) -> Any:
        "Which files are databases of these tenants, as far as they have been looked up?"

    def files(self) -> Iterator[Any]:
        "Pairs of tenant and the state of one of its files"

    def rename(self, old: str, new: str, wait: float=0) -> None:
        "`NotImplementedError`: the app's own mapping has the names"

    def remove(self, name: str, wait: float=0) -> None:
        "`NotImplementedError`: the app's own mapping has the names"

    def create(self, name: Any) -> Any:
        "The tenant, which must be in the map"

    def drop(self, name: Any) -> None:
        "Forget a tenant's manager; its database stays open"

    def may_have_work(self, name: Any) -> Any:
        "Always True: the app has opened the database anyway"

    def watch(self, stop: threading.Event) -> Iterator[list[str]]:
        "`OSError`: the files of a mapping can be anywhere"

class Worker:
    "Runs the due jobs of all tenants"
    concurrency: int
    per_tenant: int
    tenants: Tenants
    grace: float
    looks: dict[Any, Any]
    process: Any
    threads: ThreadLimit
    pace: Any
    agenda: Any
    lookout: Any
    stopping: Any
    failure: Any
    "What ended it, if `stop` didn't"

    def __init__(
        self,
        tenants: Any,
        *,
        concurrency: int=20,
        per_tenant: int=5,
        grace: float=10,
        look_every: float=0.5,
        sweep_every: float=1800,
        keep: timedelta | None=...,
        on_prune: Callable[..., Any] | None=None,
        executors: dict[Any, Any] | None=None,
        limits: dict[Any, Any] | None=None,
        process: Any=...,
    ) -> None:
        """Args:
            tenants: Tenants, a directory, a dict of databases, or a function from a name to a database
            concurrency: Jobs at a time
            per_tenant: Jobs of one tenant at a time
            grace: Seconds that running jobs get when the worker stops
            look_every: Seconds between two looks at the files if the kernel doesn't tell what changes
            sweep_every: Seconds in which every tenant is looked at once, changed or not
            keep: Delete jobs that ended longer ago, failed ones too; None keeps all
            on_prune: Called with the tenant and a list of jobs before they go; again after a kill
            executors: What calls the functions of tasks with `on`, by name, as `set_executors` takes them
            limits: Shared limits: how many jobs may run at once in this process, by the name in `limit`
            process: Which process this is; another one only in tests
        """

    def __repr__(self) -> str: ...

    def schedule(
        self,
        name: Any,
        func: Any,
        /,
        cron: str | None=None,
        every: timedelta | float | None=None,
        tz: str | Callable[..., Any]='UTC',
        catch_up: str='once',
        overlap: str='skip',
        spread: timedelta | float=0,
        **kwargs: Any,
    ) -> None:
        """Run a registered task again and again in every tenant

        Args:
            cron: As in '0 7 * * 1': minute, hour, day, month, weekday
            every: Or an interval, as a duration or in seconds
            tz: The time zone in which `cron` is meant, or a function of the tenant, asked at each tick
            catch_up: Ticks of a downtime: one job for all, `skip` them, or `all`, the latest hundred
            overlap: May a run start while an earlier one goes on? `skip` or `allow`
            spread: Delay each tenant by a share of this time, always the same
            kwargs: Arguments for `func`, as JSON can hold them
        """

    def nudge(self, manager: BackgroundTaskManager) -> bool:
        """Look at a tenant now

        Args:
            manager: The manager that has new work

        Returns:
            Will this worker run the tenant's jobs?
        """

    async def run(self) -> None:
        "Run jobs until `stop`; `ValueError` if a task names an executor or a shared limit that isn't there"

    def stop(self) -> None:
        "Claim nothing more, give running jobs the grace period, release what is left"

    def held(self) -> list[Attempt]:
        "The attempts that this worker runs"

    def why_it_ends(self) -> Any:
        """The outcome of a job that is cut short

        Returns:
            A `Stopped` after `stop`
        """

    async def lifespan(self, app: Any=None) -> Iterator[Any]:
        """Run inside an app, in a thread: `fast_app(lifespan=worker.lifespan)`

        Args:
            app: The app, which FastHTML passes in
        """

    def main(self, processes: int=1, reload: bool=False) -> None:
        """Run until a signal comes, then end the process

        Args:
            processes: How many; if more than one, this process starts and watches them
            reload: Start them again when a .py file below the working directory changes?
        """

def hide_secrets(job: TenantJob, more: tuple[Any, ...]=...) -> TenantJob:
    """A job without its secrets, in its type, its title, its unique key and the name of its function too

    Args:
        job: A job as read from its row
        more: More keys that are secret in this app

    Returns:
        A copy to show
    """

@dataclass(frozen=True)
class View:
    "Who looks, and from where"
    base: str | None = None
    "Address of the pages of these jobs; None for no links and no refreshing"
    act: bool = False
    "May this viewer cancel and retry?"
    token: str = ''
    "What a form must send back"
    secret: tuple[Any, ...] = ...
    "More keys that are secret in this app"
    redact: Callable[..., Any] = ...
    "Hides more: takes a job without its secrets, returns the job to show"
    now: datetime | None = None
    "The time that others are shown relative to; the clock's if not given"
    internals: bool = False
    "Does this viewer see processes, hosts, code and the paths of files?"
    visible: Callable[..., Any] = ...
    "Of a job: may this viewer know of it?"
    render: Callable[..., Any] | None = None
    "From a completed job to what its card shows as its result"
    clock: ClassVar[Callable[..., Any]] = ...
    "What time it is where no `now` is given; one for all views"

    @property
    def has_buttons(self) -> bool:
        "May this viewer act here?"

    def url(self, *parts: str, **query: str) -> str:
        """The address of a page below `base`

        Args:
            parts: Parts of a path
            query: Parameters
        """

    def sees_type(self, manager: BackgroundTaskManager, job_type: str) -> bool:
        "May this viewer know of a type of jobs, or of its newest job if there is one?"

    def only_visible(self, manager: BackgroundTaskManager) -> BackgroundTaskManager:
        "A manager to read with, which finds only jobs that the viewer may know of"

    def plain(self, text: str | None) -> str | None:
        """A text without code, paths of files and names of processes, unless this viewer sees internals

        Args:
            text: An error, or another text for people

        Returns:
            The text as this viewer may see it
        """

    def sees(self, job: TenantJob) -> bool:
        """May this viewer know of a job?

        Args:
            job: A job as read from its row
        """

    def rendered(self, job: TenantJob) -> FT | None:
        """What the app shows as the result of a completed job

        Args:
            job: A job as read from its row

        Returns:
            None for its result as JSON
        """

    def shown(self, job: TenantJob) -> TenantJob:
        """A job as this viewer may see it

        Args:
            job: A job as read from its row

        Returns:
            A copy to show
        """

    def hides_error(self, job: TenantJob) -> bool:
        "Is its type, or the line that says what failed, another one than this viewer sees?"

    def shown_steps(self, job: TenantJob, steps: list[Step]) -> list[Step]:
        """The steps of a job as this viewer may see them

        Args:
            job: A job as read from its row
            steps: Its steps

        Returns:
            Copies to show; no value where `redact` leaves none
        """

    def shown_lines(self, job: TenantJob, lines: list[LogLine]) -> list[LogLine]:
        """The lines of a job's log as this viewer may see them

        Args:
            job: A job as read from its row
            lines: Lines of its log

        Returns:
            Copies to show; no line where `redact` leaves none
        """

    def link(self, words: Any, *parts: str, **query: str) -> Any:
        """Words that link to a page below `base`, if there is one

        Args:
            words: What to show
            parts: Parts of a path
            query: Parameters
        """

    def form(self, action: str, *fields: Any, **attrs: Any) -> FT:
        """A form that the pages accept

        Args:
            action: Its address
            fields: What is in it
            attrs: Attributes of the element
        """

def JobCard(
    job: TenantJob,
    view: View | None=None,
    full: bool=False,
    page: bool=False,
    lines: list[LogLine] | tuple[Any, ...]=...,
    steps: bool=False,
) -> FT:
    """One job: its status, summary, progress, error, and buttons

    Args:
        job: A job as read from its row
        view: Who looks; the view of the request if not given
        full: Show long texts too? In a thread, since that takes time
        page: In full, on the job's own page, where `JobDetails` shows the errors?
        lines: The newest lines of its log, as `store.get_with_lines` returns them
        steps: On the job's own page: has it finished steps, which a restart forgets?

    Returns:
        A card that refreshes itself until the job has ended
    """

def JobDetails(
    job: TenantJob,
    view: View | None=None,
    steps: list[Step] | tuple[Step, ...]=...,
    batch: Batch | None=None,
) -> FT:
    """What a card leaves out

    Args:
        job: A job as read from its row
        view: Who looks; the view of the request if not given
        steps: What it has finished, as `manager.steps_of` returns it
        batch: Its batch, as `manager.get_batch` returns it

    Returns:
        A time line, collapsible texts and a list of facts
    """

def JobTable(
    jobs: list[TenantJob],
    view: View | None=None,
    query: Any | None=None,
    older: Any | None=None,
    types: list[str] | tuple[str, ...]=...,
    counts: dict[Any, Any] | None=None,
) -> FT:
    """Many jobs, one per row

    Args:
        jobs: Jobs, newest first
        view: Who looks; the view of the request if not given
        query: Which page of a list this is; None for a table without filters
        older: The next page, if there is one
        types: Types to choose from
        counts: Jobs by status, for tabs

    Returns:
        A table that keeps itself up to date
    """

def JobStats(manager: BackgroundTaskManager, view: View | None=None, brief: bool=False) -> FT:
    """How a tenant's jobs are doing: how many are in each state, the longest wait, and what ended in the last hour

    Args:
        manager: A tenant's manager
        view: Who looks; the view of the request if not given
        brief: Without the numbers that tabs tell?

    Returns:
        A list of numbers
    """

def jobs_ui(
    app: FastHTML,
    manager_for: Callable[..., Any],
    guard: Callable[..., Any],
    prefix: str='/jobs',
    secret: tuple[Any, ...]=...,
    redact: Callable[..., Any]=...,
    internals: bool=False,
    visible: Callable[..., Any]=...,
    home: str='',
    render: Callable[..., Any] | None=None,
) -> Any:
    """Mount a tenant's pages: the list of jobs, each job, and the buttons

    Args:
        app: The app
        manager_for: From a request to the tenant's manager, sync or async
        guard: From a request to what the viewer may do: 'read', 'act', None for nothing, or a response
        prefix: Path of the pages; may have parameters, as in '/{tenant}/jobs'
        secret: More keys of payloads that are secret in this app
        redact: Hides more: takes a job without its secrets, returns the job to show
        internals: Show processes, hosts, code and the paths of files? Users of a tenant need not see them
        visible: Of a job: may this app's users know of it? False for jobs of the operator
        home: Address in the app that the pages link back to
        render: From a completed job to what its card shows as its result; None for JSON

    Returns:
        The pages; `view(req, act)` gives a view for components elsewhere
    """

def operator_ui(
    app: FastHTML,
    tenants: Any,
    guard: Callable[..., Any],
    prefix: str='/ops',
    secret: tuple[Any, ...]=...,
    redact: Callable[..., Any]=...,
) -> Any:
    """Mount the operator's pages: all tenants, the worst first, and each tenant's jobs

    Args:
        app: The app
        tenants: Tenants, a directory, a dict of databases, or a function from a name to a database
        guard: From a request to what the operator may do: 'read', 'act', None for nothing, or a response
        prefix: Path of the pages
        secret: More keys of payloads that are secret in this app
        redact: Hides more: takes a job without its secrets, returns the job to show

    Returns:
        The pages
    """
