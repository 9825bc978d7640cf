# Made by tools/stubs.py from the module of the same name; do not edit
from .process import Process
from collections.abc import Callable
from pathlib import Path
from typing import Any,NamedTuple

__all__ = ['WorkerSign', 'SeenWorker', 'live_workers', 'sweep_locks']

class WorkerSign:
    """Shows other processes that a worker runs here, and hears which databases have new jobs for it"""
    process: Process
    since: str
    name: Any
    'A process may have several workers'
    socket: Any

    def __init__(self, process: Process, clock: Callable[..., Any]=...) -> None:
        """Args:
            process: Where the worker runs
            clock: What time it is
        """

    def show(self, served: dict[str, str], tasks: list[str]) -> None:
        """Say what the worker serves and knows; does nothing if that is what it said before

        Args:
            served: By directory, a regular expression for the names of the database files
            tasks: Names of the tasks that the worker knows
        """

    def heard(self) -> list[str]:
        """What other processes have sent since the last call

        Returns:
            Paths of databases
        """

    def hang_up(self) -> None:
        """Close the socket"""

    def close(self) -> None:
        """Show nothing any more"""

    def share(self, folder: str) -> tuple[int, int]:
        """This worker's place among the live ones that serve and know the same

        Args:
            folder: A directory

        Returns:
            The place of this worker, from 0, and how many there are
        """

class SeenWorker(NamedTuple):
    """A live worker, as its sign shows it"""
    name: str
    'Of its sign'
    files: str
    'A regular expression for the names of the files that it serves'
    tasks: list[Any]
    'Names of the tasks that it knows'
    since: str | None
    'When it started, as a timestamp'
    tenants: int = 0
    'How many it serves, if that is known'
    running: int = 0
    'Jobs that its process runs, if that is known'

    @property
    def owner(self) -> Any:
        """The name of its process, as in the rows of the jobs that it runs"""

    @property
    def host(self) -> Any:
        """The host that it runs on"""

    @property
    def pid(self) -> Any:
        """The number of its process"""

def live_workers(folder: str | Path) -> list[SeenWorker]:
    """The workers of a directory that are alive, also those of this process

    Args:
        folder: The directory of tenants' databases

    Returns:
        The one that has run longest first
    """

def sweep_locks(folder: str | Path, older: float=86400) -> int:
    """Remove the lock files of processes that haven't lived for long

    Args:
        folder: The directory of tenants' databases
        older: Seconds since their last sign of life

    Returns:
        Files removed
    """
