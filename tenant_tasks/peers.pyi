# Made by tools/stubs.py from the module of the same name; do not edit
from .process import Process
from pathlib import Path
from typing import Any

__all__ = ['WorkerSign', 'sweep_locks']

class WorkerSign:
    """Shows other processes that a worker runs here, and hears which databases have new jobs for it"""
    process: Process
    name: Any
    'A process may have several workers'
    socket: Any

    def __init__(self, process: Process) -> None:
        """Args:
            process: Where the worker runs
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

def sweep_locks(folder: str | Path, older: float=86400) -> int:
    """Remove the lock files of processes that died long ago

    Args:
        folder: The directory of tenants' databases
        older: Seconds since their last sign of life

    Returns:
        Files removed
    """
