# Made by tools/stubs.py from the module of the same name; do not edit
from .tenants import Tenants
from datetime import timedelta
from pathlib import Path
from typing import Any,NamedTuple

__all__ = ['Finding', 'fs_type', 'free_files', 'check_directory', 'check_database', 'Pulse']

class Finding(NamedTuple):
    """One thing that a check has found"""
    tenant: str
    "'' for the directory"
    check: str
    'Which check'
    text: str
    'What it found'
    level: str = 'problem'
    "Or 'note'"

def fs_type(path: str | Path, mounts: str='/proc/self/mounts') -> str:
    """The type of the file system that has a path

    Args:
        path: Any path
        mounts: Linux's list of mounts

    Returns:
        Such as 'ext4'; '' if unknown
    """

def free_files() -> int | None:
    """How many files this process may still open

    Returns:
        None if unknown
    """

def check_directory(folder: str | Path, least_free: int=..., least_files: int=64) -> list[Finding]:
    """Can tenants be served from a directory?

    Args:
        folder: The directory of tenants' databases
        least_free: Bytes on its disk
        least_files: Files that this process may still open
    """

def check_database(
    path: str,
    tenant: str='',
    full: bool=False,
    largest_wal: int=...,
    late: timedelta=...,
) -> list[Finding]:
    """Is anything wrong with a tenant's database?

    Args:
        path: A database file
        tenant: Its tenant
        full: Compare each index with its table too?
        largest_wal: Bytes
        late: How long a job may be due
    """

class Pulse:
    """Whether this process can serve the tenants of a directory"""
    tenants: Tenants
    seconds: float
    fresh: float
    found: Any
    'When the last look ended, and what it found'

    def __init__(self, tenants: Any, seconds: float=1.0, fresh: float=1.0) -> None:
        """Args:
            tenants: Tenants, a directory, a dict of databases, or a function from a name to a database
            seconds: How long an answer may take
            fresh: Seconds for which an answer is given again
        """

    def look(self) -> list[Finding]:
        """What keeps this process from serving; takes `seconds` at most

        Returns:
            Empty if all is well
        """
