# Made by tools/stubs.py from the module of the same name; do not edit
from .job import TenantJob
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any,TypeVar,overload

__all__ = ['Task', 'task', 'UnknownTask', 'find_task', 'task_names', 'task_limits', 'policy_of', 'task_name',
    'is_awaited', 'function_name']

@dataclass(frozen=True)
class Task:
    """A registered function and its policy"""
    name: str
    "The name in a row's `task`"
    func: Callable[..., Any]
    'The function'
    backoff: Callable[..., Any] | None = None
    "Wait after the n-th failure, instead of the manager's"
    timeout: float | None = None
    'Seconds an attempt may take; then it is stopped if it can be, and `check()` raises'
    retry_on: tuple[Any, ...] = ...
    'Failures worth another attempt; any other fails the job at once'
    cancel_on: tuple[Any, ...] = ...
    'Exceptions that end the job as cancelled'
    max_retries: int = 3
    'Attempts in all, the first included, unless a submit says otherwise'
    atomic: bool = False
    'Are its effects, its result and its completion one commit?'
    limit: int | None = None
    'How many of its jobs may run at once in each tenant'
    rate: tuple[Any, ...] | None = None
    'How many may start, and in how many seconds, in each tenant'
    on: str | None = None
    'The executor that calls the function; None for the process that claims its jobs'
_F = TypeVar('_F', bound=Callable[..., Any])

@overload
def task(
    func: _F,
    *,
    name: str | None=None,
    backoff: Callable[..., Any] | None=None,
    timeout: timedelta | float | None=None,
    retry_on: type[Any] | tuple[Any, ...]=...,
    cancel_on: type[Any] | tuple[Any, ...]=...,
    max_retries: int=3,
    atomic: bool=False,
    limit: int | None=None,
    rate: tuple[Any, ...] | None=None,
    on: str | None=None,
) -> _F:
    """Register a function, so that its jobs outlive the process that submitted them

    Args:
        func: The function, if the decorator has no arguments
        name: Its name in the database; the function's own if not given
        backoff: Wait after the n-th failure; the manager's if not given
        timeout: How long an attempt may take, as a duration or in seconds
        retry_on: Failures worth another attempt
        cancel_on: Exceptions that end the job as cancelled
        max_retries: Attempts in all, the first included, unless a submit says otherwise
        atomic: Run it in one transaction, which also writes its result and its completion
        limit: At most so many of its jobs run at once in each tenant
        rate: At most so many start in so many seconds in each tenant, as in (5, 1)
        on: The executor that calls it, one of those given to `Worker` or `set_executors`

    Returns:
        The function itself
    """

@overload
def task(
    func: None=None,
    *,
    name: str | None=None,
    backoff: Callable[..., Any] | None=None,
    timeout: timedelta | float | None=None,
    retry_on: type[Any] | tuple[Any, ...]=...,
    cancel_on: type[Any] | tuple[Any, ...]=...,
    max_retries: int=3,
    atomic: bool=False,
    limit: int | None=None,
    rate: tuple[Any, ...] | None=None,
    on: str | None=None,
) -> Callable[[_F], _F]:
    """Register a function, so that its jobs outlive the process that submitted them

    Args:
        func: The function, if the decorator has no arguments
        name: Its name in the database; the function's own if not given
        backoff: Wait after the n-th failure; the manager's if not given
        timeout: How long an attempt may take, as a duration or in seconds
        retry_on: Failures worth another attempt
        cancel_on: Exceptions that end the job as cancelled
        max_retries: Attempts in all, the first included, unless a submit says otherwise
        atomic: Run it in one transaction, which also writes its result and its completion
        limit: At most so many of its jobs run at once in each tenant
        rate: At most so many start in so many seconds in each tenant, as in (5, 1)
        on: The executor that calls it, one of those given to `Worker` or `set_executors`

    Returns:
        The function itself
    """

class UnknownTask(KeyError):
    """No function is registered under this name in this process"""

    def __str__(self) -> str: ...

def find_task(name: str) -> Task:
    """The task of that name; `UnknownTask` lists the names that are registered

    Args:
        name: A name from a row's `task`

    Returns:
        What is registered under it
    """

def task_names() -> list[str]:
    """Names of the tasks that this process can run

    Returns:
        All of them
    """

def task_limits() -> dict[str, tuple[Any, ...]]:
    """The tasks that have a limit or a rate

    Returns:
        By name: its limit and its rate
    """

def policy_of(job: TenantJob) -> Task:
    """How the attempts of a job are to be treated

    Args:
        job: Any job

    Returns:
        Its task, or one with nothing but defaults
    """

def task_name(func: Callable[..., Any]) -> str | None:
    """The name under which this very function is registered

    Args:
        func: Any callable

    Returns:
        Its registered name, or None
    """

def is_awaited(func: Callable[..., Any] | None) -> bool:
    """Does the event loop wait for the function, instead of a thread?

    Args:
        func: Any callable

    Returns:
        Is it async, or does an executor call it?
    """

def function_name(func: Callable[..., Any]) -> str:
    """The module and name of a function, for people to read

    Args:
        func: Any callable

    Returns:
        As in 'myapp.sync_data'
    """
