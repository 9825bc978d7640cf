# Made by tools/stubs.py from the module of the same name; do not edit
from starlette.background import BackgroundTask
from typing import Any,NamedTuple

__all__ = ['at_once', 'Acted']

at_once: int

class Acted(NamedTuple):
    """What became of all jobs that match"""
    done: int
    'How many were retried or cancelled'
    refused: dict[Any, Any]
    "Why others weren't, and how many"
    job_id: str | None
    'The job that does it, if they are many: then nothing has been done yet'
    bg_task: BackgroundTask
    'To be returned along with a response'

    def __str__(self) -> str: ...
