# Made by tools/stubs.py from the module of the same name; do not edit
from .job import TenantJob
from collections.abc import Callable
from datetime import datetime
from typing import Any,NamedTuple
import apsw

__all__ = ['listeners', 'teller', 'flush', 'Event', 'on_event', 'off_event', 'recording', 'record', 'Told', 'Teller']

listeners: dict[Any, Any]
teller: Teller
flush: Callable[..., Any]

class Event(NamedTuple):
    """One move of a job, after its commit"""
    move: str
    "'submit', or a key of `transitions`"
    tenant: str
    "The tenant's name"
    job: TenantJob
    'The row as the move left it'
    queued: float | None = None
    'Seconds that the job had been due when its attempt started; None without an attempt'
    duration: float | None = None
    'Seconds since its attempt started, once it has ended'
    error: str | None = None
    'The traceback or the reason, if the move has added one to the error log'

    def __str__(self) -> str: ...

def on_event(func: Callable[..., Any]) -> Callable[..., Any]:
    """Call a function after each move of a job that this process makes; `TypeError` if it is async

    Args:
        func: Takes an `Event`

    Returns:
        The function itself
    """

def off_event(func: Callable[..., Any]) -> None:
    """Call a function no more; `ValueError` if it isn't registered

    Args:
        func: What was registered
    """

def recording(work: Callable[..., Any], made: list[Any]) -> Callable[..., Any]:
    """A change that notes its moves

    Args:
        work: A change, called with a connection
        made: What it changes is noted here

    Returns:
        The same change
    """

def record(move: str, job: TenantJob, was: TenantJob | None=None, at: datetime | None=None) -> None:
    """Note a move, inside a change that is recorded

    Args:
        move: 'submit', or a key of `transitions`
        job: The row as it is now
        was: The row before, for moves that end an attempt
        at: When
    """

class Told(NamedTuple):
    """The moves of one commit"""
    tenant: str
    "The tenant's name"
    made: list[Any]
    'What `record` noted'
    still: Callable[..., Any] | None = None
    'Asks the database whether a move is there, if a rollback may have undone it'

    def events(self) -> Any:
        """The events of these moves, in their order"""

class Teller:
    """Calls the functions, one move after the other, in a thread of its own"""
    places: int
    queue: Any
    thread: Any
    dropped: int
    'Moves'
    open: Any
    'What waits for the end of a transaction, by connection'
    lock: Any

    def __init__(self, places: int=10000) -> None:
        """Args:
            places: Commits that may wait
        """

    def begin_anew(self) -> None:
        """Forget what waits, in a forked child"""

    def flush(self, timeout: float=2.0) -> bool:
        """Wait until all moves so far have been told

        Args:
            timeout: Seconds

        Returns:
            False if it takes longer
        """

    def tell(self, told: Told) -> Any:
        """Call the functions soon

        Args:
            told: Moves that are committed
        """

    def tell_after(self, conn: apsw.Connection, told: Told) -> None:
        """Call the functions after its commit

        Args:
            conn: A connection in a transaction
            told: Moves in this transaction
        """
