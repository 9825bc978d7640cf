# Made by tools/stubs.py from the module of the same name; do not edit
from collections import deque
from collections.abc import Callable,Iterator
from concurrent import futures
from contextlib import contextmanager
from fastlite import Database
from typing import Any,NamedTuple
import apsw,logging

__all__ = ['caller', 'runner', 'transient_errors', 'open_links', 'Mode', 'hurry', 'hurried', 'retry_busy', 'open_plain',
    'open_still', 'not_optimize', 'immediate', 'savepoint', 'SharedConn', 'Line', 'most_open', 'choose', 'OpenLinks',
    'DbLink', 'file_at', 'link_at', 'link_for', 'abandon_links']

caller: Mode
runner: Mode
transient_errors: tuple[type[Exception], ...]
open_links: OpenLinks

class Mode(NamedTuple):
    """How a database is used"""
    durable: bool
    'Must a commit survive a power cut (`synchronous=FULL`)?'
    joins: bool
    'Does it join a transaction that the app has open?'
    patience: float
    'Seconds to wait for a lock'

@contextmanager
def hurry(seconds: float) -> Iterator[Any]:
    """Be less patient in this block; a wait that is too long raises `apsw.BusyError`

    Args:
        seconds: How long all waits for locks in this block may take together
    """

def hurried(mode: Mode) -> Mode:
    """A mode in the present block

    Args:
        mode: How a database is used

    Returns:
        With the patience that is left, in tenths of a second
    """

def retry_busy(f: Callable[..., Any], *errors: type[Any], timeout: float=...) -> Any:
    """Call `f` again while it raises one of `errors`

    Args:
        f: What to call
        errors: Errors to retry on; `apsw.BusyError` if not given
        timeout: Seconds until the error is raised after all

    Returns:
        What `f` returns
    """

def open_plain(path: str, flags: int=..., vfs: str | None=None) -> apsw.Connection:
    """A connection without the driver's hooks

    Args:
        path: A database file, or a URI
        flags: As SQLite has them; the default makes no file
        vfs: SQLite's file system
    """

def open_still(path: str) -> apsw.Connection:
    """A connection that takes no lock and puts no files beside the database

    Args:
        path: A database file that no process writes to
    """

def not_optimize(record: logging.LogRecord) -> bool:
    """Filter of the logger 'apsw' that drops what needs no attention

    Args:
        record: A line of SQLite's log, as apsw hands it to `logging`

    Returns:
        False for a busy database that could not be optimized
    """

@contextmanager
def immediate(conn: apsw.Connection) -> Iterator[Any]:
    """A transaction that has the write lock from the start

    Args:
        conn: A connection of our own, outside any transaction
    """

@contextmanager
def savepoint(conn: Any) -> Iterator[Any]:
    """All or nothing, as a part of any transaction that is open

    Args:
        conn: A connection, inside or outside a transaction
    """

class SharedConn:
    """A connection of the app, which other threads may be using at this moment"""
    conn: Any

    def __init__(self, conn: Any) -> None: ...

    def execute(self, sql: Any, args: Any=...) -> Any:
        """All rows of one statement"""

class Line:
    """One at a time, in the order in which they came"""
    mutex: Any
    waiting: deque[Any]
    taken: bool

    def __init__(self) -> None: ...

    def join(self) -> futures.Future:
        """Stand in line

        Returns:
            Done when it is our turn
        """

    def leave(self, turn: futures.Future) -> Any:
        """End our turn, or give up waiting for it

        Args:
            turn: What `join` returned
        """

def most_open() -> int:
    """How many databases this process keeps open: a quarter of the files that it may open, 1,000 at most

    Returns:
        Files
    """

def choose(those: list[Any], n: int) -> list[Any]:
    """Some of the first half, by chance; of more if they are not enough

    Args:
        those: Those that came first are in front
        n: How many; none if it is less than 1
    """

class OpenLinks:
    """The links that have a connection"""
    links: dict[Any, Any]
    'As keys, in the order in which they were opened'
    lock: Any

    def __init__(self) -> None: ...

    def forget(self) -> None:
        """Forget all links; closes none"""

    def keep(self, link: Any) -> None:
        """Remember a link, and close others if there are too many

        Args:
            link: A `DbLink` that has just opened its connection
        """

class DbLink:
    """One connection to one tenant database, for one thread at a time"""
    path: str
    folder: Any
    vfs: Any
    prepare: Callable[..., Any] | None
    conn: Any
    lock: Any
    'Held by the thread that uses the connection'
    mutex: Any
    'Guards the queue'
    queue: deque[Any]
    'Writes in the order in which they came'
    line: Line
    'Transactions of the app in the order in which they came'
    holder: Any
    'The transaction of the app that is open'
    spare: Any
    'The database object for such transactions, and its file'
    file: Any
    'Device and inode'
    mode: Any
    'The mode that the connection is set to'
    ready: bool
    'Has `prepare` been called?'

    def __init__(
        self,
        path: str,
        conn: apsw.Connection | None=None,
        prepare: Callable[..., Any] | None=None,
    ) -> None:
        """Args:
            path: The database file, or '' for a database in memory
            conn: The app's connection to it, if there is one
            prepare: Called with each new connection before its first use
        """

    def open(self, mode: Mode=...) -> apsw.Connection:
        """The connection, with the mode's patience if it must be opened; `FileNotFoundError` if the file is gone

        Args:
            mode: `caller` or `runner`

        Returns:
            The same one as long as the file is the same
        """

    def connect(self, plain: bool=False, patience: float | None=None) -> apsw.Connection:
        """Open the file once more

        Args:
            plain: Without the driver's hooks?
            patience: Seconds to wait for a lock; a caller's if not given

        Returns:
            A new one
        """

    def close(self) -> None:
        """Close the connection; the next use opens it again"""

    def evict(self) -> bool:
        """Close the connection of a link that nothing is using, without moving the changes from the `-wal`

        Returns:
            False if it is in use
        """

    def busy(self) -> apsw.BusyError:
        """The error for a wait that was too long"""

    @contextmanager
    def use(self, mode: Mode=..., prepare: bool=True) -> Iterator[Any]:
        """The connection, for this thread alone; `apsw.BusyError` if other threads keep it too long

    Args:
        mode: `caller` or `runner`
        prepare: Prepare the connection first?
    """

    def check_holder(self) -> None:
        """Don't wait for what this thread holds itself"""

    def write(
        self,
        work: Callable[..., Any],
        mode: Mode=...,
        single: bool=False,
        after: Callable[..., Any] | None=None,
    ) -> Any:
        """Make a change, together with those of other waiting threads; `apsw.BusyError` if a lock takes too long

        Args:
            work: Called with the connection
            mode: `caller` or `runner`
            single: Is it a single statement, and so a transaction of its own?
            after: Called after the commit, before another write begins

        Returns:
            What `work` returns
        """

    def joined(self) -> Database | None:
        """The database in the `Transaction` that this thread or task has open

        Returns:
            None if there is nothing to join
        """

    def own_db(self) -> Database:
        """The database object for transactions: one at a time uses it"""

def file_at(path: str) -> tuple[int, int]:
    """Which file has this name now? `FileNotFoundError` if none has

    Args:
        path: A database file

    Returns:
        Its device and inode
    """

def link_at(path: str, conn: apsw.Connection | None=None, prepare: Callable[..., Any] | None=None) -> DbLink:
    """The link that all users of a database file share

    Args:
        path: A database file, by its full path, or ''
        conn: The app's connection to it, if there is one
        prepare: Called with each new connection before its first use

    Returns:
        The one link to it
    """

def link_for(db: Database, prepare: Callable[..., Any] | None=None) -> DbLink:
    """The link of a fastlite database; `TypeError` for anything else

    Args:
        db: A tenant's database, as `fastlite.database` returns it
        prepare: Called with each new connection before its first use

    Returns:
        The one link to its file
    """

def abandon_links() -> None:
    """Forget all connections without closing them, in a forked child"""
