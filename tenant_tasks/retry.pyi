# Made by tools/stubs.py from the module of the same name; do not edit
from .job import TenantJob
from collections.abc import Callable
from datetime import datetime,timedelta
from typing import Any,NamedTuple

__all__ = ['free_deaths', 'exp_backoff', 'to_delta', 'wait_after', 'Cancel', 'Snooze', 'Returned', 'ProcessDied',
    'FunctionLost', 'RaisedElsewhere', 'format_error', 'Change', 'decide']

free_deaths: int

def exp_backoff(failures: int) -> timedelta:
    """Double the wait after each failure: 2 s, 4 s, 8 s

    Args:
        failures: Failed attempts so far, 1 or more

    Returns:
        Wait before the next attempt
    """

def to_delta(wait: timedelta | float) -> timedelta:
    """A wait as a duration; `ValueError` unless it is between 0 and 10,000,000,000 seconds

    Args:
        wait: A duration, or a number of seconds

    Returns:
        The same, as a `timedelta`
    """

def wait_after(failures: int, backoff: Callable[[int], timedelta | float]) -> timedelta:
    """What `backoff` says, or `exp_backoff` if it fails

    Args:
        failures: Failed attempts so far
        backoff: The policy

    Returns:
        Wait before the next attempt
    """

class Cancel(Exception):
    """Raised by a task: end this job as `cancelled`, for the reason given"""

class Snooze(Exception):
    """Raised by a task: run this job again later, without counting an attempt"""
    wait: timedelta

    def __init__(self, wait: timedelta | float, reason: str='') -> None:
        """Args:
            wait: How long, as a duration or in seconds; more than 0
            reason: Why, for the log
        """

class Returned(NamedTuple):
    """The outcome of a function that returned"""
    value: Any
    'What it returned'
    note: str = ''
    'What the process that called it had to change to keep the value as JSON'

class ProcessDied(Exception):
    """The process that ran the job died; how far the attempt got isn't known"""
    progressed: bool

    def __init__(self, why: str, progressed: bool=False) -> None:
        """Args:
            why: What happened to which process
            progressed: Had this attempt written a step or a checkpoint?
        """

class FunctionLost(Exception):
    """No process can find the function of the job"""

class RaisedElsewhere(Exception):
    """What a function raised in another process, as text"""
    again: bool

    def __init__(self, text: str, again: bool=True) -> None:
        """Args:
            text: Its traceback
            again: Is it worth another attempt, by the task's `retry_on`?
        """

def format_error(e: BaseException, skip: int=0) -> str:
    """An exception as text for the error log

    Args:
        e: What the task raised
        skip: Calling frames to leave out

    Returns:
        Its traceback
    """

class Change(NamedTuple):
    """One move of a job and what is written with it"""
    move: str
    'A key of `transitions`'
    values: dict[Any, Any]
    'Columns to set'
    note: str = ''
    'What to write to the log'

def decide(
    job: TenantJob,
    outcome: Returned | BaseException,
    now: datetime,
    backoff: Callable[[int], timedelta | float]=...,
    skip: int=0,
    retry_on: tuple[Any, ...]=...,
    cancel_on: tuple[Any, ...]=...,
) -> Change:
    """What happens next to a job after one attempt

    Args:
        job: The job as it was claimed
        outcome: How this attempt ended
        now: The time
        backoff: Wait after the n-th failure
        skip: Calling frames to leave out of a traceback
        retry_on: Failures worth another attempt
        cancel_on: Exceptions that end the job as cancelled

    Returns:
        The change to write
    """
