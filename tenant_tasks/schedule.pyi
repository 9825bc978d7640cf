# Made by tools/stubs.py from the module of the same name; do not edit
from dataclasses import dataclass
from datetime import datetime,timedelta,timezone
from typing import Any
from zoneinfo import ZoneInfo

__all__ = ['most_ahead', 'most_at_once', 'on_time', 'find_zone', 'next_tick', 'last_ticks', 'stable_share',
    'ScheduleNotFound', 'Schedule', 'check_schedule']

most_ahead: timedelta
most_at_once: int
on_time: timedelta

def find_zone(tz: str) -> ZoneInfo | timezone:
    """A time zone by its name; `ValueError` if there is none

    Args:
        tz: Such as 'Europe/Berlin'

    Returns:
        UTC needs no database of zones
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

def last_ticks(cron: str, tz: str, start: datetime, end: datetime, limit: int) -> list[datetime]:
    """The latest ticks in a span of time, both ends included

    Args:
        cron: As for `next_tick`
        tz: The time zone in which it is meant
        start: No tick before this time
        end: No tick after this time
        limit: How many at most

    Returns:
        In UTC, the latest last
    """

def stable_share(*names: str) -> float:
    """A number that looks random, and is always the same for the same names

    Args:
        names: What it depends on

    Returns:
        From 0 up to, but not including, 1
    """

class ScheduleNotFound(KeyError):
    """There is no schedule with this name in this tenant's database"""

    def __init__(self, name: Any) -> None: ...

    def __str__(self) -> str: ...

@dataclass
class Schedule:
    """What recurs, when, and how"""
    name: str
    'Unique in its tenant; the `job_type` of its jobs'
    task: str
    'Name of the task that it runs'
    cron: str | None = None
    'A cron expression'
    every: float | None = None
    'Or an interval in seconds'
    tz: str = 'UTC'
    'The time zone in which `cron` is meant'
    payload: str = '{}'
    'JSON kwargs for the task'
    max_retries: int = 3
    'Attempts in all of each of its jobs'
    catch_up: str = 'once'
    'What becomes of the ticks of a downtime: once / skip / all'
    overlap: str = 'skip'
    'May a run start while an earlier one goes on? skip / allow'
    spread: float = 0.0
    'Seconds over which the tenants are spread'
    delay: float = 0.0
    "This tenant's share of them, in seconds"
    next_at: str = ''
    'When the next tick is due, its delay included'
    last_at: str | None = None
    'All ticks up to this time have been dealt with'
    paused: int = 0
    '1 while it makes no jobs'
    declared: int = 0
    '1 if a worker declares it for all its tenants'

    def is_ahead(self, now: datetime) -> bool:
        """Was its last tick made by a clock that was far ahead?

        Args:
            now: The time

        Returns:
            Then `last_at` says nothing
        """

    def next(self, after: datetime) -> datetime:
        """When the first tick after a time is due

        Args:
            after: A time with a time zone

        Returns:
            In UTC
        """

    def due(self, now: datetime) -> tuple[list[datetime], datetime]:
        """What to do about the ticks that are due

        Args:
            now: The time, at or after `next_at`

        Returns:
            When each tick that becomes a job was due, and when the next tick is
        """

def check_schedule(
    cron: str | None=None,
    every: timedelta | float | None=None,
    tz: str='UTC',
    catch_up: str='once',
    overlap: str='skip',
    spread: timedelta | float=0,
) -> dict[Any, Any]:
    """Values for a schedule; `ValueError` says which of them is wrong

    Args:
        cron: A cron expression
        every: Or an interval, as a duration or in seconds
        tz: The time zone
        catch_up: once / skip / all
        overlap: skip / allow
        spread: As a duration or in seconds

    Returns:
        Values of the fields of a `Schedule`
    """
