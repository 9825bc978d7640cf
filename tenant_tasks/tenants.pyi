# Made by tools/stubs.py from the module of the same name; do not edit
from .link import DbLink
from .manager import BackgroundTaskManager
from .peers import SeenWorker
from collections.abc import Callable,Iterator,Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
import threading

__all__ = ['TenantNotFound', 'BadTenantName', 'Tenants', 'TenantMap', 'as_tenants', 'Health', 'Overview']

class TenantNotFound(KeyError):
    """There is no tenant with this name"""

    def __str__(self) -> str: ...

class BadTenantName(TenantNotFound, ValueError):
    """No tenant can have this name"""

class Tenants:
    """A directory with one SQLite file for each tenant"""
    path: Any
    suffix: str
    max_open: int
    manager_kw: Any
    clock: Any

    def __init__(self, path: str | Path, *, suffix: str='.db', max_open: int=1000, **manager_kw: Any) -> None:
        """Args:
            path: The directory; made if its parent is there
            suffix: What the name of a tenant's file ends with
            max_open: Managers to keep; beyond that, some are forgotten by chance
            manager_kw: For each `BackgroundTaskManager`: backoff, clock, sleep
        """

    def __repr__(self) -> str: ...

    def file(self, name: str) -> str:
        """Path of a tenant's database; `BadTenantName`, a `ValueError`, for a name that no tenant can have

        Args:
            name: A tenant

        Returns:
            Its database file
        """

    def __getitem__(self, name: Any) -> BackgroundTaskManager:
        """A tenant's manager; `TenantNotFound` if there is no such tenant"""

    def create(self, name: str) -> BackgroundTaskManager:
        """Create a tenant's database if it doesn't exist, and open it

        Args:
            name: A tenant that may be new

        Returns:
            Its manager
        """

    def __contains__(self, name: Any) -> Any:
        """Is there a tenant of this name? Opens no database of a directory"""

    def drop(self, name: str) -> None:
        """Close a tenant's database in this process

        Args:
            name: A tenant
        """

    def link(self, name: str) -> DbLink:
        """The link of a tenant's database, without opening it

        Args:
            name: A tenant

        Returns:
            Shared by all who use the file
        """

    def __iter__(self) -> Iterator[str]:
        """The names of all tenants"""

    def name_of(self, manager: BackgroundTaskManager) -> str | None:
        """Which tenant does this manager belong to?

        Args:
            manager: Any manager

        Returns:
            The tenant, or None if it isn't one of these
        """

    def name_at(self, path: str) -> str | None:
        """Which tenant does this file belong to?

        Args:
            path: A database file, by its full path

        Returns:
            The tenant, or None if it isn't one of these
        """

    def rename(self, old: str, new: str, wait: float=0) -> None:
        """Give a tenant another name, with all its data; `JobStateError` if it has running jobs

        Args:
            old: A tenant
            new: A name that no tenant has
            wait: Seconds that running jobs get to end
        """

    def remove(self, name: str, wait: float=0) -> None:
        """Delete a tenant's database with all its data; `JobStateError` if it has running jobs

        Args:
            name: A tenant
            wait: Seconds that running jobs get to end
        """

    def served(self) -> dict[str, str]:
        """Which files are databases of these tenants?

        Returns:
            By directory, a regular expression for the names of the files
        """

    def changed(self, seen: dict[Any, Any]) -> list[str]:
        """Which tenants may have something to do?

        Args:
            seen: What the same caller saw in its last look; updated in place

        Returns:
            Tenants that are new, or whose files were written to since then; the latest write first
        """

    def state(self, name: str) -> tuple[Any, ...]:
        """Modification time and size of a tenant's files

        Args:
            name: A tenant

        Returns:
            Equal as long as its files aren't written to
        """

    def watch(self, stop: threading.Event) -> Iterator[list[str]]:
        """Wait for changes; `OSError` if the directory can't be watched

        Args:
            stop: Ends the watch

        Returns:
            Tenants whose files have just been written to
        """

    def elsewhere(self) -> list[str]:
        """Tenants whose file is a link: `watch` tells nothing about them

        Returns:
            As far as they have been seen
        """

    def may_have_work(self, name: str) -> bool:
        """May this tenant have a job that isn't done? Leaves its database closed

        Args:
            name: A tenant

        Returns:
            False if it has no live job
        """

    def sweep(self) -> None:
        """Remove the lock files of processes that died long ago"""

class TenantMap(Tenants):
    """Tenants in a dict, or behind a function"""
    get: Any
    names: Callable[..., Any] | None
    max_open: int
    manager_kw: Any

    def __init__(
        self,
        get: Mapping[Any, Any] | Callable[..., Any],
        *,
        names: Callable[..., Any] | None=None,
        max_open: int=1000,
        **manager_kw: Any,
    ) -> None:
        """Args:
            get: A database by the tenant's name
            names: Returns all names, if `get` is a function
            max_open: Managers to keep
            manager_kw: For each `BackgroundTaskManager`
        """

    def __repr__(self) -> str: ...

    def __iter__(self) -> Any:
        """The names of all tenants, as far as they are known"""

    def file(self, name: Any) -> Any:
        """Path of a tenant's database, '' for one in memory"""

    def create(self, name: Any) -> Any:
        """The tenant, which must be in the map"""

    def name_of(self, manager: Any) -> Any:
        """Which tenant does this manager belong to?"""

    def link(self, name: Any) -> Any:
        """The link of a tenant's database"""

    def drop(self, name: Any) -> None:
        """Forget a tenant's manager; its database stays open"""

    def rename(self, old: Any, new: Any, wait: Any=0) -> None:
        """`NotImplementedError`: the app's own mapping has the names"""

    def remove(self, name: Any, wait: Any=0) -> None:
        """`NotImplementedError`: the app's own mapping has the names"""

    def name_at(self, path: Any) -> Any:
        """Which tenant does this file belong to?"""

    def served(self) -> Any:
        """Which files are databases of these tenants, as far as they have been looked up?"""

    def may_have_work(self, name: Any) -> Any:
        """Always True: the app has opened the database anyway"""

    def watch(self, stop: threading.Event) -> Iterator[list[str]]:
        """`OSError`: the files of a mapping can be anywhere"""

def as_tenants(o: Any) -> Tenants:
    """Tenants from a directory, a dict of databases, or a function from a name to a database

    Args:
        o: What an app has

    Returns:
        The same, as tenants
    """

@dataclass(frozen=True)
class Health:
    """How the jobs of one tenant are doing, as far as known"""
    name: str
    'The tenant'
    counts: dict[Any, Any]
    'Jobs by status'
    since: str | None = None
    'When the oldest pending job was due'
    error: str = ''
    "Why its database can't be read"
    slow: bool = False
    'Was its database locked, so that this is what was known before?'
    size: int = 0
    'Bytes of its file'
    wal: int = 0
    'Bytes of its `-wal`'
    runners: dict[Any, Any] = ...
    'How many jobs each process runs, by `owner`'

    @property
    def rank(self) -> Any:
        """Sorts the worst first: unreadable, then most failed, then longest due"""

class Overview:
    """The health of all tenants, kept up to date by reading what has changed"""
    tenants: Tenants
    count_limit: int
    known: dict[Any, Any]
    '`Health` by tenant'
    todo: dict[Any, Any]
    'Tenants still to be read, in order'

    def __init__(self, tenants: Tenants, count_limit: int=10000) -> None:
        """Args:
            tenants: All tenants
            count_limit: Count to this number and no further
        """

    def worst_first(self) -> list[Health]:
        """All tenants that have been read so far"""

    def health(self, seconds: float=0.5) -> list[Health]:
        """All tenants that have been read so far, after reading what has changed

        Args:
            seconds: Stop reading after this time

        Returns:
            The worst first
        """

    def workers(self) -> list[SeenWorker]:
        """The live workers of these tenants"""
