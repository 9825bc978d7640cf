# Made by tools/stubs.py from the module of the same name; do not edit
from .job import Batch,TenantJob
from .link import Mode
from .process import Process
from .steps import JobTransaction
from .store import JobStore
from .task import Task
from .transaction import Transaction
from collections.abc import Awaitable,Callable
from datetime import datetime,timedelta
from fastlite import Database
from typing import Any

__all__ = ['Attempt', 'ForksEnd', 'aretry_busy', 'begin', 'finish', 'current_job']

class Attempt:
    """A claimed job, until it is settled, released or given up"""
    job: TenantJob
    store: JobStore
    process: Process
    backoff: Callable[[int], timedelta | float]
    clock: Callable[[], datetime]
    sleep: Callable[..., Any]
    policy: Task
    func: Any
    runner: Any
    'The worker that runs it, if one does'
    outcome: Any
    '`Returned`, or what the function raised'
    row: Any
    'The job as written afterwards; None until then, or if the claim was lost'
    done: bool
    'Nothing is left to do'
    names: set[Any]
    'Steps that were called in this attempt'
    parts: list[Any]
    'Transactions of the job that are open, the outermost first'
    elsewhere: Any
    'The future of its call, if an executor calls the function'

    def __init__(
        self,
        job: TenantJob,
        store: JobStore,
        *,
        process: Process=...,
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
    def id(self) -> str:
        """The id of the job"""

    @property
    def attempt(self) -> int:
        """Which attempt it is, from 1"""

    @property
    def is_async(self) -> bool:
        """Must the function be awaited?"""

    @property
    def waits(self) -> bool:
        """Does the event loop wait for its function, instead of a thread?"""

    def call(self) -> None:
        """Call a sync function"""

    def close(self) -> None:
        """Let the claim go: the attempt was settled, released or given up"""

    @property
    def mode(self) -> Mode:
        """How to read and write here: as a part of the `Transaction` that is open in this thread or task, or as a runner"""

    def write_outcome(self, as_read: bool=False) -> TenantJob | None:
        """Write what was decided, and nothing else

        Args:
            as_read: Only if the lease is still the one in `job`?

        Returns:
            The new row, or None if the claim was lost
        """

    def ended(self, row: TenantJob | None, as_read: bool=False) -> None:
        """The outcome was written: let the claim go, and tell

        Args:
            row: The row as written, or None if the claim was lost
            as_read: Is this attempt one of another process?
        """

    def settle(self, as_read: bool=False) -> TenantJob | None:
        """Write the outcome; an error of `transient_errors` means: try again later

        Args:
            as_read: Only if the lease is still the one in `job`?

        Returns:
            The row as written, or None if the claim was lost
        """

    def settling(self) -> Callable[..., Any]:
        """The change that `settle` makes

        Returns:
            To be called with a connection; what it returns is for `ended`
        """

    def release(self) -> TenantJob | None:
        """Put the job back without counting the attempt

        Returns:
            The row, pending again, or None if the claim was lost
        """

    async def acall(self) -> None:
        """Await an async function, or the awaitable that a sync one returned"""

    def leave(self) -> None:
        """End an attempt whose runner is cancelled: settle it if it has an outcome, else release it"""

    def stop(self) -> None:
        """Cancel an async function that runs on an event loop of this process"""

    def said(self, done: Any, note: Any) -> None:
        """Keep the progress, with a note as UTF-8 can hold it"""

    def progress(self, done: float, note: str | None=None) -> None:
        """Show users how far the job is

        Args:
            done: From 0 to 1; a sum of shares may miss it by a millionth
            note: The current step, in words
        """

    def log(self, text: Any) -> None:
        """Add a line to the job's log, which keeps the newest `max_lines` lines, and which users read while it runs

        Args:
            text: Anything; `str` is called with it, and `max_line` characters are kept
        """

    def lines_left(self) -> tuple[Any, ...] | None:
        """The lines that the outcome must take along; from now on, no other write does

        Returns:
            As `JobStore.add_lines` takes them
        """

    def take_lines(self, lines: tuple[Any, ...] | None) -> None:
        """Let the outcome take along what another process hasn't written

        Args:
            lines: What `lines_left` returned in another process that runs this attempt's function
        """

    def check(self) -> None:
        """`Cancel` if the job must stop or was taken over; `TimeoutError` if its time is up"""

    @property
    def batch(self) -> Batch | None:
        """How far the batch of this job is now: counts by status, and ids of failed jobs; None without a batch"""

    @property
    def paused(self) -> bool:
        """Are jobs of this type paused now, or all jobs? False if the database is locked"""

    @property
    def tenant(self) -> str:
        """The name of the tenant, as its `Tenants` know it; of another database the name of its file, '' in memory"""

    @property
    def db(self) -> Database:
        """The tenant's database, on a connection for this job alone; inside of a transaction, the one in it"""

    @property
    def has_begun(self) -> bool:
        """Has the function begun a transaction on `db` by hand?"""

    @property
    def open_here(self) -> Transaction | None:
        """The transaction that this thread or task has open"""

    @property
    def until(self) -> datetime:
        """How long the claim lasts if it is renewed now"""

    def check_begun(self) -> None:
        """`RuntimeError` if the job would wait for itself"""

    def transaction(self) -> JobTransaction:
        """A transaction in the tenant's database; `Cancel` and no effects if another process has taken the job over

        Returns:
            `with` or `async with` it; gives the tenant's database
        """

    def step(self, name: str, f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call a function once: the next attempt gets its value without a call; `Cancel` if the job was taken over

        Args:
            name: Under which its value is remembered; once in an attempt
            f: What to call: a function or an async function
            args: Its arguments
            kwargs: Its arguments by name

        Returns:
            What it returned, decoded from JSON; for an async function, an awaitable of that
        """

    def checkpoint(self, name: str, value: Any=...) -> Any:
        """Read or write how far the job is; on disk when it returns, or with its transaction; `Cancel` if it was taken over

        Args:
            name: Under which the value is remembered
            value: The value to remember; not given to read it

        Returns:
            The value, decoded from JSON; None if there is none yet
        """

    def run_atomic(self, kwargs: dict[Any, Any]) -> Any:
        """Call the function of an atomic task, and complete the job in the same commit

        Args:
            kwargs: Arguments of the function

        Returns:
            What the function returned
        """

class ForksEnd:
    """A block that only the process which entered it leaves: a child that was forked in it ends"""
    pid: Any

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, e: Any, tb: Any) -> None: ...

async def aretry_busy(
    f: Callable[[], Awaitable],
    sleep: Callable[..., Any]=...,
    tries: int | None=20,
    what: Any='',
) -> Any:
    """Await `f()` again, with growing waits, while it raises one of `transient_errors`

    Args:
        f: What to await
        sleep: How to wait, in seconds
        tries: Calls at most; None for no end
        what: What to call it in the log

    Returns:
        What `f` returns in the end
    """

def begin(claim: Callable[[], Attempt | None]) -> Attempt | None:
    """In a thread: claim a job, and run it if its function is called here and is sync

    Args:
        claim: Claims a job

    Returns:
        The attempt, `done` or left to `finish`; None if there was nothing to claim
    """

async def finish(a: Attempt) -> TenantJob | None:
    """On the event loop: do what is left of an attempt

    Args:
        a: An attempt that `begin` returned

    Returns:
        The row afterwards, or None if the claim was lost
    """

def current_job() -> Attempt:
    """The attempt that the calling function runs in; `LookupError` outside a task function

    Returns:
        Its attempt, with `id`, `progress`, `check` and `db`
    """
