# Made by tools/stubs.py from the module of the same name; do not edit
from collections.abc import Callable
from subprocess import Popen
from typing import Any

__all__ = ['restart_pause', 'Place', 'lifeline', 'Supervisor']

def restart_pause(deaths: int) -> int:
    """Double the pause with each death in a row, up to a minute

    Args:
        deaths: Deaths in a row, 1 or more

    Returns:
        Seconds from the last death to the next start
    """

class Place:
    """Where one of the processes runs, or waits for its next start"""
    settled: int
    'Seconds after which a row of deaths has ended'
    name: str
    proc: Any
    'The process that runs here'
    began: float
    'When it was started'
    deaths: int
    'How many in a row'
    due: float
    'When the next process starts'

    def __init__(self, name: str) -> None:
        """Args:
            name: What the log calls it
        """

    def begin(self, start: Callable[..., Any], now: float) -> None:
        """Start a process

        Args:
            start: Starts a process and returns it, as `Popen` does
            now: Monotonic seconds
        """

    def died(self, now: float) -> int:
        """Note that the process is gone

        Args:
            now: Monotonic seconds

        Returns:
            Seconds until the next start
        """

def lifeline() -> int | None:
    """What a child watches: it is at its end, and so readable, once the parent stops or is gone

    Returns:
        The descriptor of the pipe, or None if no supervisor started this process
    """

class Supervisor:
    """Keeps several processes running, each of which watches its `lifeline`"""
    places: Any
    grace: float
    start: Callable[..., Any]
    monotonic: Callable[..., Any]

    def __init__(
        self,
        processes: int,
        grace: float=15,
        start: Callable[..., Any]=...,
        monotonic: Callable[..., Any]=...,
    ) -> None:
        """Args:
            processes: How many
            grace: Seconds that they get to stop before they are killed
            start: What starts a process; another one only in tests
            monotonic: Elapsed seconds, unaffected by changes of the wall clock
        """

    def __repr__(self) -> str: ...

    def child(self) -> Popen:
        """Start this process's command line once more, as a child

        Returns:
            As `Popen` returns it
        """

    def tick(self) -> float | None:
        """Note which processes have died, and start those that are due

        Returns:
            Seconds until the next start; None if all are running
        """

    def run(self) -> int:
        """Keep the processes running until SIGTERM or SIGINT comes; in the main thread

        Returns:
            The exit code: 0, or 1 if a process had to be killed
        """
