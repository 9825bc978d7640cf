# Made by tools/stubs.py from the module of the same name; do not edit
from .job import TenantJob
from .store import JobStore
from .task import Task
from collections.abc import Callable
from datetime import datetime,timedelta
from pathlib import Path
from typing import Any

__all__ = ['this_process', 'task_threads', 'lock_dir', 'ThreadLimit', 'Process', 'is_dead', 'other_host']

this_process: Process
task_threads: ThreadLimit
lock_dir: str

class ThreadLimit:
    """At most `size` threads at a time, in each event loop"""

    def __init__(self, size: int) -> None:
        """Args:
            size: How many, 1 or more
        """

    @property
    def size(self) -> Any: ...

    async def run(self, f: Any, *args: Any) -> Any:
        """Call `f` in a thread"""

    def in_use(self) -> int:
        """How many threads are busy in the running event loop

        Returns:
            Threads
        """

class Process:
    """What one process holds"""
    lease: timedelta
    monotonic: Callable[..., Any]
    task_threads: ThreadLimit
    'For sync functions'
    store_threads: ThreadLimit
    'For short calls to databases'
    executors: dict[Any, Any]
    'What calls the functions of tasks with `on`, by that name'
    trace: Any
    "Called at a submit: what becomes the job's `trace`"
    around: Any
    'A context manager around each call of a function, made from the `Attempt`'
    id: Any
    locks: dict[Any, Any]
    'Descriptor of the lock file in each directory'
    claims: dict[Any, Any]
    'Attempts that run here, by claim'
    listeners: list[Any]
    'Workers that run here'
    signs: list[Any]
    'What shows them to other processes'
    warned: set[Any]
    'What needs no second warning'
    running: set[Any]
    'Asyncio tasks of jobs that run after a response'

    def __init__(self, lease: timedelta=..., monotonic: Callable[..., Any]=...) -> None:
        """Args:
            lease: How long a claim lasts unless it is renewed
            monotonic: Elapsed seconds, unaffected by changes of the wall clock
        """

    def __repr__(self) -> str: ...

    def announce_alive(self, folder: str | Path) -> None:
        """Show other processes that this one is alive, as long as it is; an error if it can't be shown

        Args:
            folder: The directory of a tenant's database; '' for one in memory, which needs no lock
        """

    def begin_anew(self) -> None:
        """Forget everything that was held, in a forked child"""

    def hold(self, attempt: Any) -> Any:
        """Keep a claim alive until `drop`

        Args:
            attempt: An `Attempt` that was just claimed

        Returns:
            The same
        """

    def drop(self, attempt: Any) -> None:
        """Stop keeping a claim alive

        Args:
            attempt: An `Attempt` that was settled, released or given up
        """

    def beat(self) -> None:
        """Write signs of life for all claims: in the lock files, then in the databases"""

    def keep(self, job_id: str, func: Callable[..., Any]) -> None:
        """Remember the function of a job, unless it can be found by name

        Args:
            job_id: A job that was submitted here
            func: Its function
        """

    def function_of(self, job: TenantJob) -> Callable[..., Any] | None:
        """Find the function of a job

        Args:
            job: Any job

        Returns:
            Its function, or None if this process doesn't have it
        """

    def forget(self, job_id: str, later: bool=False) -> None:
        """Drop the function of a job

        Args:
            job_id: A job that has ended
            later: Keep its function for a while, since the job may be retried?
        """

    def nudge(self, manager: Any) -> bool:
        """Tell the workers of this process, until one takes care of it

        Args:
            manager: The manager that has new work

        Returns:
            Does a worker here take care of it?
        """

    def attempts_of(self, job_id: str) -> list[Any]:
        """Find a running job

        Args:
            job_id: Which job

        Returns:
            Its attempts that run in this process, at most one of them with a valid claim
        """

    def orphans(self, store: JobStore, now: datetime) -> list[tuple[TenantJob, str]]:
        """The jobs of processes that have died, or were silent for a whole lease

        Args:
            store: A tenant's database
            now: The time

        Returns:
            A job, and what happened to the process that it depends on
        """

    def set_executors(self, **executors: Any) -> None:
        """Let executors call the functions of tasks with `on`; those that were set before stay

        Args:
            executors: By the names that `@task(on=…)` uses
        """

    def check_on(self, t: Task, here: bool=True) -> None:
        """`ValueError` if the executor of a task isn't there, or if other processes can't import the task

        Args:
            t: Any task
            here: Must its executor be here, even if this process has none at all?
        """

    def check_executors(self) -> None:
        """`ValueError` unless the executors of all registered tasks are here"""

    def full_tasks(self) -> list[str]:
        """The tasks whose executor has all the jobs that it needs for now

        Returns:
            Their names
        """

    def other_workers(self, path: str, task: str | None=None) -> list[str]:
        """Workers in other live processes that serve a database

        Args:
            path: A database file; '' for one in memory, which no other process can serve
            task: Only workers that know this task

        Returns:
            Names of their signs
        """

    def wake_workers(self, path: str, task: str) -> bool:
        """Tell the workers in other processes that know a task of a job in a database

        Args:
            path: A database file
            task: The task of a new job in it

        Returns:
            Is there any?
        """

def is_dead(owner: str | None, folder: str | Path) -> bool | None:
    """Is the process that owns a job dead?

    Args:
        owner: The `owner` in a row
        folder: The directory of the tenant's database

    Returns:
        None if that can't be known
    """

def other_host(owner: str | None) -> str | None:
    """The host of the process that owns a job, if this code runs on another one

    Args:
        owner: The `owner` in a row

    Returns:
        None if it is this host, or unknown
    """
