# Made by tools/stubs.py from the module of the same name; do not edit
from .attempt import Attempt
from .transaction import Transaction
from typing import Any

__all__ = ['lost', 'JobTransaction']

lost: str

class JobTransaction:
    """A transaction of a job, which commits only while the job's claim is good: `with`, or `async with`"""
    job: Attempt
    part: Transaction
    names: set[Any]
    'Steps that were called in it'
    settled: bool
    'Has it written the outcome of the job?'

    def __init__(self, job: Attempt) -> None:
        """Args:
            job: The attempt that it belongs to
        """

    def __enter__(self) -> Any: ...

    def __exit__(self, *exc: Any) -> Any: ...

    async def __aenter__(self) -> Any: ...

    async def __aexit__(self, *exc: Any) -> Any: ...
