# Made by tools/stubs.py from the module of the same name; do not edit
from .job import Batch,LogLine,LogLines,Step,TenantJob
from .views import View
from datetime import datetime
from fastcore.xml import FT
from typing import Any

__all__ = ['max_inline', 'max_edit', 'status_words', 'StatusBadge', 'CardParts', 'took', 'card_state', 'asked_every',
    'JobCard', 'BatchProgress', 'log_state', 'lines_seen', 'JobLog', 'can_edit', 'details_state', 'JobDetails']

max_inline: int
max_edit: int

def status_words(status: str) -> str:
    """A status in the app's words

    Args:
        status: The status of a job

    Returns:
        The same for one that is none of ours
    """

def StatusBadge(status: str) -> FT:
    """A status in its colour

    Args:
        status: The status of a job
    """

class CardParts:
    """The parts of a job's card, as one viewer may see it"""
    page: bool
    steps: bool
    view: View
    job: Any
    lines: list[LogLine] | tuple[Any, ...]

    def __init__(
        self,
        job: TenantJob,
        view: View | None=None,
        page: bool=False,
        lines: list[LogLine] | tuple[Any, ...]=...,
        steps: bool=False,
    ) -> None:
        """Args:
            job: A job as read from its row
            view: Who looks; the view of the request if not given
            page: On the job's own page, where `JobDetails` shows the errors?
            lines: The newest lines of its log, as this viewer may see them
            steps: Has it finished steps, which a restart forgets?
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
        """What changes from second to second: the bar, its note, the summary, and the newest lines"""

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

    def acts(self) -> FT | None:
        """The buttons, side by side"""

    def status(self) -> FT:
        """The status, in a region that screen readers announce"""

    def body(self) -> FT:
        """Everything below the head of the card"""

    def head(self) -> FT:
        """The type and the status; on the job's own page, which has the type above it, the status and the buttons"""

def took(job: TenantJob, now: datetime) -> str:
    """How long the last attempt ran, or has been running

    Args:
        job: A job as read from its row
        now: The time

    Returns:
        As in '3 min', or ''
    """

def card_state(job: TenantJob, view: View, lines: list[LogLine] | tuple[Any, ...]=...) -> str:
    """The same as long as a card shows the same

    Args:
        job: A job as read from its row
        view: Who looks
        lines: The newest lines of its log

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

def JobCard(
    job: TenantJob,
    view: View | None=None,
    full: bool=False,
    page: bool=False,
    lines: list[LogLine] | tuple[Any, ...]=...,
    steps: bool=False,
) -> FT:
    """One job: its status, summary, progress, error, and buttons

    Args:
        job: A job as read from its row
        view: Who looks; the view of the request if not given
        full: Show long texts too? In a thread, since that takes time
        page: In full, on the job's own page, where `JobDetails` shows the errors?
        lines: The newest lines of its log, as `store.get_with_lines` returns them
        steps: On the job's own page: has it finished steps, which a restart forgets?

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

def lines_seen(token: str, lines: LogLines) -> int:
    """How much of a log a page has

    Args:
        token: Of a log, as a page has it
        lines: As `manager.log_of` returns them

    Returns:
        The number of the newest line that the page has; 0 if it needs all of them
    """

def JobLog(job: TenantJob, view: View | None=None, lines: LogLines=..., after: int=0) -> FT:
    """The lines that a job has written, with their secrets masked

    Args:
        job: A job as read from its row
        view: Who looks; the view of the request if not given
        lines: As `manager.log_of` returns them
        after: Only what stands behind the line with this number, for a page that has the others

    Returns:
        A list that grows while the job runs; hidden as long as it is empty
    """

def can_edit(job: TenantJob, view: View) -> bool:
    """May this viewer retry the job with other arguments?

    Args:
        job: A job as this viewer may see it
        view: Who looks
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
    typed: str | None=None,
) -> FT:
    """What a card leaves out

    Args:
        job: A job as read from its row
        view: Who looks; the view of the request if not given
        steps: What it has finished, as `manager.steps_of` returns it
        batch: Its batch, as `manager.get_batch` returns it
        typed: Other arguments that were typed and refused

    Returns:
        A time line, collapsible texts and a list of facts
    """
