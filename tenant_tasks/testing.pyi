# Made by tools/stubs.py from the module of the same name; do not edit
from .job import JobList
from .manager import BackgroundTaskManager
from datetime import datetime,timedelta
from typing import Any

__all__ = ['Clock', 'run']

class Clock:
    """A clock that stands still until `advance` or `sleep` moves it"""
    now: datetime
    slept: list[Any]
    'Seconds of each sleep'

    def __init__(self, now: datetime=...) -> None:
        """Args:
            now: Where it starts
        """

    def __call__(self) -> Any: ...

    def advance(self, wait: timedelta | float) -> None:
        """Move the clock

        Args:
            wait: How far, as a duration or in seconds
        """

    async def sleep(self, secs: float) -> None:
        """Sleep without waiting: move the clock, and remember for how long

        Args:
            secs: Seconds
        """

async def run(manager: BackgroundTaskManager, limit: int=1000) -> JobList:
    """Run jobs until none is left that this process can run, and skip the waits

    Args:
        manager: Made with `clock=clock, sleep=clock.sleep`
        limit: Attempts after which something must be wrong

    Returns:
        The jobs that have ended during this call, oldest first
    """
