# Made by tools/stubs.py from the module of the same name; do not edit
from .schedule import Schedule
from collections.abc import Callable
from typing import Any

__all__ = ['new_schedule']

def new_schedule(name: str, func: Callable[..., Any], kwargs: dict[Any, Any], **when: Any) -> Schedule:
    """A schedule whose parts have been checked

    Args:
        name: Unique in its tenant; the `job_type` of its jobs
        func: A registered task
        kwargs: Arguments for `func`
        when: As `check_schedule` takes it: cron, every, tz, catch_up, overlap, spread

    Returns:
        Not in any database yet
    """
