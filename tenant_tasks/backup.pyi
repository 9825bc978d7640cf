# Made by tools/stubs.py from the module of the same name; do not edit
from .tenants import Tenants
from collections.abc import Callable,Iterable
from pathlib import Path
from typing import Any,NamedTuple

__all__ = ['Saved', 'backup', 'Restored', 'restore']

class Saved(NamedTuple):
    """What became of one tenant in a backup"""
    tenant: str
    'Its name'
    state: str
    "'copied', 'unchanged', 'failed', or 'gone': there is a copy and no such tenant any more"
    error: str = ''
    'Why it failed'

def backup(
    data: Any,
    dest: str | Path,
    names: Iterable[str] | None=None,
    clock: Callable[..., Any]=...,
) -> list[Saved]:
    """Copy the tenants that have changed since the last backup; `BlockingIOError` if another one uses `dest`

    Args:
        data: Tenants, a directory, a dict of databases, or a function from a name to a database
        dest: A directory for the copies; made if its parent is there
        names: Only these tenants
        clock: Seconds since 1970, as the file system counts them

    Returns:
        By name
    """

class Restored(NamedTuple):
    """What became of one tenant in a restore"""
    tenant: str
    'Its name'
    error: str = ''
    'Why its database is as it was before'
    pending: int = 0
    'Jobs that wait'
    running: int = 0
    'Jobs that ran when the backup was made'
    again: list[Any] = ...
    'Id, type and status of the jobs that have ended since; None for both if it was deleted'
    compared: bool = True
    'False if there was no database to compare with, or a damaged one'

def restore(
    source: str | Path,
    data: Tenants | str | Path,
    names: Iterable[str] | None=None,
    *,
    paused: bool=False,
) -> list[Restored]:
    """Put the copies of a backup in the place of the tenants' databases; `TenantNotFound` if there is no such copy

    Args:
        source: The directory of a backup
        data: The tenants; a directory that isn't there is made
        names: Only these tenants; all that have a copy if not given
        paused: Hold all their jobs, until `resume`?

    Returns:
        By name
    """
