# Made by tools/stubs.py from the module of the same name; do not edit
from .link import DbLink
from collections.abc import Callable
from fastlite import Database
from typing import Any
import apsw

__all__ = ['ThreadDb', 'in_transaction', 'Transaction']

class ThreadDb(Database):
    """A database file with a connection for each thread"""
    path: Any

    def __init__(self, path: str) -> None:
        """Args:
            path: The file, which must exist
        """

    def open_conn(self) -> apsw.Connection | None:
        """The connection that this thread has open

        Returns:
            None if this thread has none
        """

    @property
    def conn(self) -> apsw.Connection:
        """This thread's connection; `FileNotFoundError` if the file is gone"""

def in_transaction(db: Database) -> bool:
    """Does the app have a transaction open in this thread?

    Args:
        db: The app's

    Returns:
        Is a transaction open on its connection?
    """

class Transaction:
    """An immediate transaction of the app: `with` in a thread, `async with` on an event loop"""
    link: DbLink
    app: Database | None
    in_thread: Callable[..., Any]
    db: Any
    'The database in the transaction'
    owner: Any
    'The thread and the asyncio task that have it open; None for a savepoint'

    def __init__(self, link: DbLink, app: Database | None, in_thread: Callable[..., Any]) -> None:
        """Args:
            link: The link of the database
            app: The app's object for it; None for a file: join no transaction on it
            in_thread: Awaits a call in a thread
        """

    def __enter__(self) -> Any: ...

    def __exit__(self, *exc: Any) -> Any: ...

    async def __aenter__(self) -> Any: ...

    async def __aexit__(self, *exc: Any) -> Any: ...
