# Made by tools/stubs.py from the module of the same name; do not edit
from .job import Batch,LogLines,Step,TenantJob
from .views import View
from datetime import datetime
from fastcore.xml import FT
from typing import Any

__all__ = ['max_inline', 'StatusBadge', 'CardParts', 'took', 'card_state', 'asked_every', 'JobCard', 'BatchProgress',
    'log_state', 'JobLog', 'details_state', 'JobDetails']

max_inline: int

def StatusBadge(status: str) -> FT:
    """A status in its colour

    Args:
        status: The status of a job
    """

class CardParts:
    """The parts of a job's card, as one viewer may see it"""
    page: bool
    view: View
    job: Any

    def __init__(self, job: TenantJob, view: View | None=None, page: bool=False) -> None:
        """Args:
            job: A job as read from its row
            view: Who looks; the view of the request if not given
            page: On the job's own page, where `JobDetails` shows the errors?
        """

    def id(self, part: str='') -> str:
        """The id of a part in the page

        Args:
            part: 'live', 'body', 'status' or a button; '' for the whole card
        """

    def summary(self) -> list[Any]:
        """How the job is doing, in a few short pieces

        Returns:
            Strings and `<time>` elements
        """

    def live(self) -> FT:
        """What changes from second to second: the bar, its note, and the summary"""

    def folds(self) -> list[Any]:
        """The last error of a job that isn't completed, and the result

        Returns:
            `<details>` elements
        """

    def buttons(self) -> list[Any]:
        """What this viewer can do with the job in its current state

        Returns:
            Forms
        """

    def status(self) -> FT:
        """The status, in a region that screen readers announce"""

    def body(self) -> FT:
        """Everything below the head of the card"""

def took(job: TenantJob, now: datetime) -> str:
    """How long the last attempt ran, or has been running

    Args:
        job: A job as read from its row
        now: The time

    Returns:
        As in '3 min', or ''
    """

def card_state(job: TenantJob, view: View) -> str:
    """The same as long as a card shows the same

    Args:
        job: A job as read from its row
        view: Who looks

    Returns:
        A token
    """

def asked_every(job: TenantJob, now: datetime) -> float | None:
    """How often it is worth while to ask about a job

    Args:
        job: A job as read from its row
        now: The time

    Returns:
        Seconds, or None for a job that has ended
    """

def JobCard(job: TenantJob, view: View | None=None, full: bool=False, page: bool=False) -> FT:
    """One job: its status, summary, progress, error, and buttons

    Args:
        job: A job as read from its row
        view: Who looks; the view of the request if not given
        full: Show long texts too? In a thread, since that takes time
        page: In full, on the job's own page, where `JobDetails` shows the errors?

    Returns:
        A card that refreshes itself until the job has ended
    """

def BatchProgress(batch: Batch, view: View | None=None) -> FT:
    """How many jobs of a batch have ended

    Args:
        batch: As `manager.get_batch` returns it
        view: Who looks; the view of the request if not given

    Returns:
        A bar and a line of words
    """

def log_state(job: TenantJob, view: View, lines: LogLines) -> str:
    """The same as long as the log of a job shows the same

    Args:
        job: A job as read from its row
        view: Who looks
        lines: As `manager.log_of` returns them

    Returns:
        A token
    """

def JobLog(job: TenantJob, view: View | None=None, lines: LogLines=...) -> FT:
    """The lines that a job has written, with their secrets masked

    Args:
        job: A job as read from its row
        view: Who looks; the view of the request if not given
        lines: As `manager.log_of` returns them

    Returns:
        A list that grows while the job runs; hidden as long as it is empty
    """

def details_state(
    job: TenantJob,
    view: View,
    steps: list[Step] | tuple[Step, ...]=...,
    batch: Batch | None=None,
) -> tuple[str, float | None]:
    """What the details of a job show

    Args:
        job: A job as read from its row
        view: Who looks
        steps: What it has finished
        batch: Its batch

    Returns:
        A token, and how often to ask
    """

def JobDetails(
    job: TenantJob,
    view: View | None=None,
    steps: list[Step] | tuple[Step, ...]=...,
    batch: Batch | None=None,
) -> FT:
    """What a card leaves out

    Args:
        job: A job as read from its row
        view: Who looks; the view of the request if not given
        steps: What it has finished, as `manager.steps_of` returns it
        batch: Its batch, as `manager.get_batch` returns it

    Returns:
        A time line, collapsible texts and a list of facts
    """
