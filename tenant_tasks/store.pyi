# Made by tools/stubs.py from the module of the same name; do not edit
from .job import Batch,JobList,LogLine,LogLines,Some,Step,TenantJob
from .link import DbLink,Mode
from .schedule import Schedule
from .transaction import Transaction
from collections.abc import Callable,Iterable,Iterator
from contextlib import contextmanager
from datetime import datetime,timedelta
from fastlite import Database
from typing import Any,NamedTuple
import apsw

__all__ = ['columns', 'schedule_columns', 'indexes', 'steps_table', 'log_table', 'pauses_table', 'forever',
    'lease_time', 'ensure_schema', 'JobStore', 'AtLeast', 'waiting', 'Pause', 'TaskQueue', 'has_job_table', 'Glance',
    'glance', 'may_have_work', 'quick_stats', 'quick_runners', 'exclusive', 'alone', 'live_jobs', 'ended_among',
    'owners', 'hold_all', 'claims_by_owner', 'overdue', 'schema_state']

columns: dict[str, str]
schedule_columns: dict[str, str]
indexes: dict[str, str]
steps_table: str
log_table: str
pauses_table: str
forever: str
lease_time: timedelta

def ensure_schema(conn: apsw.Connection, transaction: Callable[..., Any]=...) -> None:
    """Make the table, or add what an older one lacks; writes nothing if nothing is missing

    Args:
        conn: A connection to a tenant's database
        transaction: Context manager for one transaction
    """

class JobStore:
    """The `tenant_jobs` table of one tenant database"""
    db: Database
    link: DbLink
    tenant: Any
    'Its name, for events'
    tells: bool
    'Are its moves told to the functions of `on_event`?'

    def __init__(self, db: Database) -> None:
        """Args:
            db: A tenant's database, as `fastlite.database` returns it
        """

    def write(self, work: Callable[..., Any], mode: Mode=..., single: bool=False) -> Any:
        """Make a change in one transaction: the app's, if one is open and the mode joins it

        Args:
            work: Called with a connection
            mode: `caller` or `runner`
            single: Is it a single statement?

        Returns:
            What `work` returns
        """

    def tell(self, made: list[Any], conn: apsw.Connection | None=None) -> None:
        """Tell moves after their commit

        Args:
            made: What `record` noted
            conn: The connection, if it is one of the app
        """

    def read(self, sql: str, args: Any=..., mode: Mode=..., conv: Callable[..., Any]=...) -> Any:
        """Query the database; waits until the connection is free, and commits nothing

        Args:
            sql: One query
            args: Its parameters, in order or by name
            mode: `caller` or `runner`
            conv: Turns the rows into the result

        Returns:
            What `conv` returns
        """

    def submit(self, jobs: list[TenantJob]) -> list[TenantJob]:
        """Write new jobs, all or none; on disk when it returns, or when the app commits the transaction it has open

        Args:
            jobs: Jobs to write

        Returns:
            The same; for a unique key that is taken, the job that has it
        """

    def get(self, job_id: str, mode: Mode=...) -> TenantJob | None:
        """One job by its id

        Args:
            job_id: Which job
            mode: `caller` or `runner`

        Returns:
            The job as it is now, or None if there is none
        """

    def find(
        self,
        job_type: str | None=None,
        status: str | None=None,
        limit: int=100,
        below: int | None=None,
        batch: str | None=None,
        scan: int=10000,
        **filters: Any,
    ) -> JobList:
        """Jobs by type, status and batch, and by what has no index

        Args:
            job_type: Only this type
            status: Only this status
            limit: How many at most
            below: Only rows whose number is below this one
            batch: Only this batch, with the job that follows it
            scan: How many rows the following filters are tried on at most
            filters: `schedule`, `since`, `until` (when it ended, or was submitted if it is live), `text`, `error`

        Returns:
            Newest first; `last` is the number of the last row
        """

    def search(self, start: str, limit: int=100) -> JobList:
        """Jobs by the start of their id

        Args:
            start: How the id begins
            limit: How many at most

        Returns:
            Newest first
        """

    def count(self, limit: int=10000, scan: int=10000, **filters: Any) -> int:
        """How many jobs match

        Args:
            limit: Count to this number and no further
            scan: How many rows the filters without an index are tried on at most
            filters: As `find` takes them

        Returns:
            `AtLeast` so many, if not all rows were looked at
        """

    def glances(
        self,
        limit: int=1000,
        scan: int=10000,
        most: int=8000,
        **filters: Any,
    ) -> tuple[list[Any], int | None]:
        """Jobs without their long texts

        Args:
            limit: How many at most
            scan: How many rows the filters without an index are tried on at most
            most: A job with more bytes of arguments and result comes without them
            filters: As `find` takes them

        Returns:
            Row number, was it long?, job: newest first; and below which row others may be
        """

    def due(self, now: datetime, limit: int=100) -> list[str]:
        """Pending jobs that are due

        Args:
            now: The time
            limit: How many at most

        Returns:
            Ids, in the order in which the jobs run
        """

    def claim(
        self,
        job_id: str,
        owner: str,
        now: datetime,
        lease: timedelta=...,
        limits: dict[Any, Any] | None=None,
    ) -> TenantJob | None:
        """Move one pending job to running, if it is still pending and may start

        Args:
            job_id: Job to take
            owner: Process that takes it
            now: The time
            lease: How long the claim lasts unless it is renewed
            limits: Limits and rates by task, see `waiting`

        Returns:
            The row as claimed, or None if it isn't pending, isn't due, is paused, or must wait
        """

    def claim_due(
        self,
        owner: str,
        tasks: list[str],
        now: datetime,
        lease: timedelta=...,
        limits: dict[Any, Any] | None=None,
    ) -> TenantJob | None:
        """Claim the first job that may start and that this process can run

        Args:
            owner: Process that takes it
            tasks: Tasks that it knows
            now: The time
            lease: How long the claim lasts unless it is renewed
            limits: Limits and rates by task, see `waiting`

        Returns:
            The row as claimed, or None if no job may start in this process
        """

    def claiming(
        self,
        owner: Any,
        tasks: Any,
        now: Any,
        lease: Any=...,
        limit: Any=1,
        together: Any=None,
        limits: Any=None,
    ) -> Callable[..., Any]:
        """The change that `claim_due` makes; with a `limit`, it claims more as long as `together` is true of each"""

    def next_due(
        self,
        owner: str,
        tasks: list[str],
        ticks: bool=True,
        limits: dict[Any, Any] | None=None,
        now: datetime | None=None,
    ) -> str | None:
        """When the next job that this process can run may start, or the next tick of a schedule

        Args:
            owner: Process that asks
            tasks: Tasks that it knows
            ticks: Do the ticks of schedules count too?
            limits: Limits and rates by task, see `waiting`
            now: The time; the real one if not given

        Returns:
            The earliest time, or None if there is none
        """

    def pauses(self, now: datetime, mode: Mode=...) -> list[Pause]:
        """What is paused now

        Args:
            now: The time
            mode: `caller` or `runner`

        Returns:
            By type; the one of all jobs first
        """

    def put_pause(self, p: Pause) -> Pause:
        """Pause a type of jobs, or all, or change a pause

        Args:
            p: What to pause

        Returns:
            The row; an older one keeps when it began
        """

    def drop_pause(self, job_type: str, now: datetime) -> bool:
        """End a pause

        Args:
            job_type: A type of jobs; '' for all of them
            now: The time

        Returns:
            Was it paused?
        """

    def queues(
        self,
        limits: dict[Any, Any],
        now: datetime,
        limit: int=100,
        most: int=10000,
    ) -> list[TaskQueue]:
        """What each task has to do

        Args:
            limits: Limits and rates by task, see `waiting`
            now: The time
            limit: How many tasks at most
            most: Pending jobs of a task are counted to this number

        Returns:
            By task
        """

    def settle(
        self,
        job: TenantJob,
        move: str,
        now: datetime,
        as_read: bool=False,
        mode: Mode=...,
        lines: tuple[Any, ...] | None=None,
        **vals: Any,
    ) -> TenantJob | None:
        """Write how an attempt ended, if the claim is still good

        Args:
            job: The job as `claim` returned it
            move: One of the moves out of `running`
            now: The time
            as_read: Only if the lease is still the one in `job`?
            mode: `caller` or `runner`
            lines: What is to be written to its log with it, as for `add_lines`
            vals: Columns to set

        Returns:
            The new row, or None if the claim was lost
        """

    def settling(
        self,
        job: Any,
        move: Any,
        now: Any,
        as_read: Any=False,
        lines: Any=None,
        **vals: Any,
    ) -> Callable[..., Any]:
        """The change that `settle` makes"""

    def progress(self, job: TenantJob, mode: Mode=...) -> None:
        """Write how far a job has got, if the claim is still good

        Args:
            job: A claimed job, with the progress to write
            mode: `caller` or `runner`
        """

    def renew(self, claims: list[str], now: datetime, lease: timedelta=...) -> int:
        """Renew the leases of all jobs that a process is running

        Args:
            claims: Claims that this process has
            now: The time
            lease: How long the claims last from now on

        Returns:
            How many of them are still good
        """

    def add_lines(self, job: TenantJob, lines: tuple[Any, ...]) -> None:
        """Write to the log of a job, if the claim is still good

        Args:
            job: A claimed job
            lines: Which attempt; and of each line: how far behind the last one that is written, when, and its text
        """

    def log(self, job_id: str, after: int=0) -> LogLines:
        """What a job has written to its log

        Args:
            job_id: Which job
            after: Only lines with a higher number

        Returns:
            Oldest first
        """

    def get_with_lines(self, job_id: str, n: int=3) -> tuple[TenantJob | None, list[LogLine]]:
        """One job, and the newest lines of its log if it is running

        Args:
            job_id: Which job
            n: How many lines at most

        Returns:
            The job, or None if there is none, and lines of its log, oldest first
        """

    def hold(self, job: TenantJob, until: datetime, tx: Transaction | None=None) -> bool:
        """Renew the lease of one job, as a part of its transaction

        Args:
            job: A claimed job
            until: How long the claim lasts from now on
            tx: The transaction that this belongs to

        Returns:
            Is the claim still good?
        """

    def step(self, job_id: str, name: str, tx: Transaction | None=None) -> Step | None:
        """What a job has written under a name

        Args:
            job_id: Which job
            name: Which step or checkpoint
            tx: The transaction that this belongs to

        Returns:
            None if it isn't there
        """

    def put_step(self, job: TenantJob, step: Step, until: datetime, tx: Transaction | None=None) -> bool:
        """Write a step or a checkpoint, if the claim is still good, and renew the lease; on disk when it returns

        Args:
            job: A claimed job
            step: What it has finished
            until: How long the claim lasts from now on
            tx: The transaction that this belongs to

        Returns:
            False if the claim was lost, and nothing is written
        """

    def progressed(self, job: TenantJob) -> bool:
        """Did this attempt get further?

        Args:
            job: A job that was claimed

        Returns:
            Has it written a step or a checkpoint under this claim?
        """

    def steps(self, job_id: str, limit: int=1000, longest: int=...) -> list[Step]:
        """The steps and checkpoints of a job

        Args:
            job_id: Which job
            limit: How many at most
            longest: Longer values are replaced by a note on their length

        Returns:
            The newest ones, in the order in which they were written
        """

    def depends_on(self, owner: str, now: datetime) -> list[str | None]:
        """The processes that jobs here depend on

        Args:
            owner: Process that asks; it isn't named unless it has lost a claim
            now: The time

        Returns:
            The `owner` of each
        """

    def orphans(
        self,
        dead: list[str],
        missing: list[str],
        held: list[str],
        now: datetime,
        limit: int=1000,
    ) -> JobList:
        """The jobs that may have lost their process

        Args:
            dead: Processes that are dead
            missing: Those, and others whose pending jobs count
            held: Claims that don't count
            now: The time
            limit: How many pending jobs at most

        Returns:
            Those of the dead; running ones whose lease is over; and pending ones without a registered task
        """

    def abandon(self, job: TenantJob, now: datetime, error_log: str) -> TenantJob | None:
        """Fail a pending job whose function no process can find

        Args:
            job: A pending job as it was read
            now: The time
            error_log: Why

        Returns:
            The row, or None if it isn't pending any more
        """

    def unknown(self, tasks: list[str], now: datetime, limit: int=100) -> JobList:
        """Due jobs that this process can't run

        Args:
            tasks: Tasks that the process knows
            now: The time
            limit: How many at most

        Returns:
            Due jobs of other tasks
        """

    def cancel(self, job_id: str, now: datetime) -> TenantJob | None:
        """Cancel a pending job, or ask a running one to stop

        Args:
            job_id: Which job
            now: The time

        Returns:
            The row as it is now, or None if it is neither pending nor running
        """

    def reset(self, job_id: str, now: datetime, restart: bool=False, **vals: Any) -> TenantJob | None:
        """Let a failed or cancelled job start again

        Args:
            job_id: Which job
            now: The time
            restart: Forget its steps and checkpoints?
            vals: Columns to set

        Returns:
            The row, pending again, or None if it was neither failed nor cancelled
        """

    def reschedule(self, job_id: str, run_at: datetime) -> TenantJob | None:
        """Let a pending job run at another time

        Args:
            job_id: Which job
            run_at: When it may run

        Returns:
            The row as it is now, or None if it isn't pending or waits for its batch
        """

    def batch(self, batch_id: str, limit: int=1000, mode: Mode=...) -> Batch | None:
        """How far a batch is

        Args:
            batch_id: Which batch: the id of the job that follows
            limit: How many ids of failed jobs at most
            mode: `caller` or `runner`

        Returns:
            None if there is none
        """

    def batches(self, limit: int=20, below: str | None=None) -> list[str]:
        """The newest batches

        Args:
            limit: How many at most
            below: Only ids that sort before this one

        Returns:
            Ids, the newest first
        """

    def schedules(self, name: str | None=None, mode: Mode=...) -> list[Schedule]:
        """The schedules of this tenant

        Args:
            name: Only the one with this name
            mode: `caller` or `runner`

        Returns:
            By name
        """

    def put_schedule(self, s: Schedule, now: datetime, mode: Mode=...) -> Schedule | None:
        """Write a schedule, new or changed

        Args:
            s: What it is to be, with the `next_at` of a new one
            now: The time
            mode: `caller` or `runner`

        Returns:
            The row; None if a worker declares it, and the tenant has one of its own with this name
        """

    def set_paused(
        self,
        name: str,
        paused: bool,
        next_at: datetime | None=None,
        mode: Mode=...,
    ) -> Schedule | None:
        """Pause a schedule, or let it go on

        Args:
            name: Which schedule
            paused: Should it make no jobs?
            next_at: When the next tick is due; as before if not given
            mode: `caller` or `runner`

        Returns:
            The row, or None if there is none
        """

    def drop_schedule(self, name: str, declared: bool=False, mode: Mode=...) -> bool:
        """Delete a schedule

        Args:
            name: Which schedule
            declared: Only if a worker has declared it?
            mode: `caller` or `runner`

        Returns:
            Was there one?
        """

    def tick(
        self,
        s: Schedule,
        next_at: datetime,
        jobs: list[TenantJob],
        now: datetime,
    ) -> list[TenantJob] | None:
        """Make one tick, if no other process has made it

        Args:
            s: A schedule as it was read
            next_at: When its next tick is due
            jobs: What this tick makes
            now: The time; no tick up to now is left

        Returns:
            The jobs that were written; None if the row isn't as it was read any more
        """

    def run_schedule(self, s: Schedule, job: TenantJob) -> TenantJob:
        """Write a job of a schedule, without a tick

        Args:
            s: A schedule as it was read
            job: Its job

        Returns:
            The job; the live one, if there is one and they must not overlap
        """

    def stats(self, count_limit: int | None=None) -> tuple[dict[Any, Any], str | None]:
        """How many jobs there are in each state

        Args:
            count_limit: Count to this number and no further

        Returns:
            Count by status, and when the oldest pending job was due
        """

    def types(self, limit: int=100) -> list[str]:
        """Which types of jobs there are

        Args:
            limit: How many at most

        Returns:
            In alphabetical order
        """

    def ended_in(self, edges: list[str], most: int=700000) -> Some:
        """How many jobs ended in each span of time

        Args:
            edges: Timestamps in order: where each span ends, the next begins
            most: No older span counts once there are so many

        Returns:
            Start, completed and failed of each span in which jobs ended; `cut` if older spans were left out
        """

    def failures(self, since: str='', limit: int=50, scan: int=5000) -> Some:
        """Failed jobs by type and error

        Args:
            since: Failed at this time or later
            limit: How many kinds at most
            scan: How many of the newest failed jobs count

        Returns:
            `Failure`s, the most frequent first; `cut` if more jobs have failed than count
        """

    def ended(self, since: str, limit: int) -> JobList:
        """Jobs that ended lately

        Args:
            since: At this time or later
            limit: How many at most

        Returns:
            The newest first, with their type, status and times only
        """

    def prune_some(self, before: datetime, batch: int=1000, mode: Mode=...) -> int:
        """Delete a batch of jobs that ended long ago, in one transaction

        Args:
            before: Only jobs that ended at this time or before
            batch: How many at most
            mode: `caller` or `runner`

        Returns:
            Jobs deleted
        """

    def prune(self, before: datetime, batch: int=1000) -> int:
        """Delete jobs that ended long ago

        Args:
            before: Only jobs that ended at this time or before
            batch: Rows per transaction

        Returns:
            Jobs deleted
        """

class AtLeast(int):
    """A number of jobs of which there may be more, since not all were looked at"""

    def __repr__(self) -> str: ...

def waiting(conn: apsw.Connection, limits: dict[Any, Any] | None, now: datetime) -> dict[str, str]:
    """The tasks that can't start a job now

    Args:
        conn: A connection, in the transaction that claims
        limits: By task: how many jobs may run at once, and (how many may start, in how many seconds)
        now: The time

    Returns:
        By task: until when it waits
    """

class Pause(NamedTuple):
    """What is paused"""
    job_type: str
    "A type of jobs; '' for all of them"
    until: str | None
    'When the pause ends by itself'
    reason: str
    'Why, for people to read'
    at: str
    'When it began'

class TaskQueue(NamedTuple):
    """What there is to do for one task"""
    task: str
    'Its name'
    running: int
    'Jobs that run'
    due: int
    'Jobs that could start, but for a pause, a limit, a rate, or a lack of workers'
    later: int
    'Jobs that wait for their time or their batch'
    limit: int | None
    'How many may run at once'
    rate: tuple[Any, ...] | None
    'How many may start, and in how many seconds'
    wait: str | None
    'Until when no other may start; `forever` as long as the limit is reached'

def has_job_table(path: str) -> bool:
    """Look into a database file for a table of jobs

    Args:
        path: A database file

    Returns:
        Is there a table of jobs?
    """

class Glance(NamedTuple):
    """What there is to do in a database"""
    next_due: str | None
    'When the next job is due that the process can run'
    owners: list[Any]
    'Other processes that jobs here depend on; the process itself if it has lost a claim'
    unknown: bool
    "Is a job due that the process can't run?"
    tick: str | None = None
    "When the next tick of a schedule is due: None if there is no schedule, '' if all are paused"

    @property
    def first(self) -> Any:
        """The earlier of the two times, or None"""

def glance(
    link: DbLink,
    owner: str,
    tasks: list[str],
    now: datetime,
    limits: dict[Any, Any] | None=None,
) -> Glance | None:
    """Ask a database what there is to do, without making a table in it

    Args:
        link: The link of a tenant's database
        owner: Process that asks
        tasks: Tasks that it knows
        now: The time
        limits: Limits and rates by task, see `waiting`

    Returns:
        None if the database never had a job
    """

def may_have_work(path: str) -> bool:
    """Look into a file from outside, without a lock

    Args:
        path: A database file

    Returns:
        False if it has no live job, or never had one
    """

def quick_stats(path: str, count_limit: int | None=None) -> tuple[dict[Any, Any], str | None]:
    """How many jobs there are in each state of a database file

    Args:
        path: A database file
        count_limit: Count to this number and no further

    Returns:
        As `JobStore.stats`; all zero for a file that never had a job
    """

def quick_runners(path: str) -> dict[str, int]:
    """How many jobs of a database file each process runs

    Args:
        path: A database file that has had a job

    Returns:
        By `owner`
    """

@contextmanager
def exclusive(path: str) -> Iterator[Any]:
    """Keep all processes from writing to a database, with all its data in the file itself

    Args:
        path: A database file

    Returns:
        How many jobs are running
    """

@contextmanager
def alone(path: str) -> Iterator[Any]:
    """Have a database that no one else has open, with all its data in the file itself; `apsw.BusyError` if one has

    Args:
        path: A database file

    Returns:
        A connection
    """

def live_jobs(conn: apsw.Connection) -> dict[str, str]:
    """The jobs that are pending or running

    Args:
        conn: A connection to a tenant's database

    Returns:
        Status by id
    """

def ended_among(conn: apsw.Connection, ids: Iterable[str]) -> list[tuple[Any, ...]]:
    """Which of these jobs aren't live any more

    Args:
        conn: A connection to a tenant's database
        ids: Jobs that were live at some time

    Returns:
        Id, type and status of each; None for both if the job is deleted
    """

def owners(conn: apsw.Connection) -> list[str]:
    """The processes that run jobs here

    Args:
        conn: A connection to a tenant's database

    Returns:
        The `owner` of each
    """

def hold_all(conn: apsw.Connection, reason: str, now: datetime) -> None:
    """Pause all jobs, until they are resumed

    Args:
        conn: A connection to a tenant's database
        reason: Why, for people to read
        now: The time
    """

def claims_by_owner(conn: apsw.Connection) -> list[tuple[Any, ...]]:
    """How many jobs each process runs here

    Args:
        conn: A connection to a tenant's database

    Returns:
        Owner, count, and when the last lease ends
    """

def overdue(conn: apsw.Connection, late: datetime, now: datetime) -> list[tuple[Any, ...]]:
    """Jobs that aren't paused and should have started long ago

    Args:
        conn: A connection to a tenant's database
        late: Due at this time or before
        now: The time

    Returns:
        Task, count, and when the first one was due
    """

def schema_state(conn: apsw.Connection) -> str:
    """Are the tables those of this version? Changes nothing

    Args:
        conn: A connection to a tenant's database

    Returns:
        'none', 'current' or 'older'; `apsw.SQLError` if a table of ours is another one
    """
