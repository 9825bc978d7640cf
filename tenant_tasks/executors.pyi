# Made by tools/stubs.py from the module of the same name; do not edit
from .attempt import Attempt
from .retry import Returned
from collections.abc import Callable
from concurrent.futures import Executor,Future
from typing import Any

__all__ = ['set_executors', 'run_job', 'Elsewhere', 'limits_with', 'Processes']

set_executors: Callable[..., Any]

def run_job(call: str) -> str:
    """In a process of an executor: call the function of a job

    Args:
        call: JSON: the job, the database's path, the lease, and what to import

    Returns:
        JSON: how it ended
    """

class Elsewhere:
    """Calls functions of jobs in an executor"""
    look_every: float
    'Seconds between two looks at the row'
    name: str
    executor: Executor
    client: Any
    "Dask's, if it is one of Dask's"
    topic: Any
    "Of Dask's events"

    def __init__(self, name: str, executor: Executor) -> None:
        """Args:
            name: As in `@task(on=…)`
            executor: What calls them
        """

    def __repr__(self) -> str: ...

    async def __call__(self, a: Attempt) -> Returned | BaseException:
        """Call the function of a job

        Args:
            a: A claimed job

        Returns:
            Its outcome
        """

    def listen(self) -> None:
        """Hear of progress on other hosts, if the executor is one of Dask's; an error if its client is closed"""

    @property
    def places(self) -> int | None:
        """How many of its jobs a worker holds at a time

        Returns:
            None if the executor doesn't say how many calls it makes at a time
        """

def limits_with(full: list[Any] | tuple[Any, ...]) -> dict[str, tuple[Any, ...]]:
    """The limits and rates of tasks, with a limit of 0 for some

    Args:
        full: Names of tasks that may start no job

    Returns:
        As `task_limits`
    """

class Processes(Executor):
    """Processes that make one call at a time each; a call that is cancelled or dies takes only its own process with it"""
    find_within: int
    'Seconds in which a process must have started, and in which it must have found a function'
    tries: int
    'So many processes may die before they have received a call; then the call fails'
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

    def begin_anew(self) -> None:
        """Forget the processes of the parent, in a forked child"""
