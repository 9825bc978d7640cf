# Made by tools/stubs.py from the module of the same name; do not edit
from .job import LogLines,TenantJob
from .manager import BackgroundTaskManager
from .views import View
from collections.abc import Callable
from datetime import datetime
from typing import Any

__all__ = ['printable', 'job_words', 'JobWatch', 'WatchDisplay']

def printable(o: Any, width: int | None=None) -> str:
    """A value as text that is safe to print in a terminal

    Args:
        o: Any value
        width: Longest text to return; the rest is cut off

    Returns:
        One line without control characters
    """

def job_words(job: TenantJob, now: datetime) -> str:
    """How a job is doing, in one line

    Args:
        job: A job that is safe to show
        now: The time

    Returns:
        As in 'running · 40 % · 12 of 30 rows · attempt 1 of 3 · running for 5 s'
    """

class JobWatch:
    """One job, seen again and again"""
    manager: BackgroundTaskManager
    job_id: str
    view: View
    job: Any
    'As read at the last look'
    lines: LogLines
    'Of its log'
    shown: Any
    'The job with its secrets masked'
    log: list[Any]
    'The lines with their secrets masked'
    new: list[Any]
    'Those that came with the last look'

    def __init__(self, manager: BackgroundTaskManager, job_id: str) -> None:
        """Args:
            manager: The manager of its database
            job_id: Which job
        """

    @property
    def ended(self) -> Any:
        """Has it ended?"""

    def look(self) -> bool:
        """Read the job, if there may be something new; `JobNotFound` if there is no such job

        Returns:
            Has anything changed?
        """

class WatchDisplay:
    """Shows a job in a notebook, or prints what has changed"""
    html: Callable[..., Any] | None
    place: Any
    'Where the card is'
    every: Any
    "Seconds after which to show what hasn't changed"

    def __init__(self, html: Callable[..., Any] | None=None) -> None:
        """Args:
            html: Shows HTML, in the place that an earlier call returned; None to print lines
        """

    def __call__(self, watch: JobWatch) -> None:
        """Show it as it is now

        Args:
            watch: A job that has been looked at
        """
