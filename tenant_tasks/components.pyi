# Made by tools/stubs.py from the module of the same name; do not edit
from .job import Batch,Step,TenantJob
from .manager import BackgroundTaskManager
from .store import JobStore,Pause
from .tenants import Health
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from fastcore.xml import FT
from typing import Any,ClassVar

__all__ = ['mask', 'max_secrets', 'max_secret_chars', 'job_styles', 'max_inline', 'count_limit', 'looks_secret',
    'read_json', 'hide_secrets', 'View', 'show_as', 'StatusBadge', 'in_words', 'CardParts', 'JobCard', 'JobDetails',
    'parse_int', 'Query', 'JobTable', 'BatchProgress', 'JobStats', 'PauseBar', 'TenantTable']

mask: str
max_secrets: int
max_secret_chars: int
job_styles: FT
max_inline: int
count_limit: int

def looks_secret(key: str, more: tuple[Any, ...]=...) -> bool:
    """Does this key look like the name of a secret?

    Args:
        key: A key of a payload
        more: More keys that are secret in this app

    Returns:
        Should its value be masked?
    """

def read_json(text: str | None) -> Any:
    """Decode the JSON of a row for display; never fails

    Args:
        text: JSON from a row

    Returns:
        The value, or a note on the length of a text that isn't JSON
    """

def hide_secrets(job: TenantJob, more: tuple[Any, ...]=...) -> TenantJob:
    """A job without the secrets of its payload and result

    Args:
        job: A job as read from its row
        more: More keys that are secret in this app

    Returns:
        A copy to show
    """

@dataclass(frozen=True)
class View:
    """Who looks, and from where"""
    base: str | None = None
    'Address of the pages of these jobs; None for no links and no refreshing'
    act: bool = False
    'May this viewer cancel and retry?'
    token: str = ''
    'What a form must send back'
    secret: tuple[Any, ...] = ...
    'More keys that are secret in this app'
    redact: Callable[..., Any] = ...
    'Hides more: takes a job without its secrets, returns the job to show'
    now: datetime | None = None
    "The time that others are shown relative to; the clock's if not given"
    internals: bool = False
    'Does this viewer see processes, hosts and the paths of files?'
    clock: ClassVar[Callable[..., Any]] = ...
    'What time it is where no `now` is given; one for all views'

    def url(self, *parts: str) -> str:
        """The address of a page below `base`

        Args:
            parts: Parts of a path
        """

    def plain(self, text: str | None) -> str | None:
        """A text without paths of files and names of processes, unless this viewer sees internals

        Args:
            text: An error, or another text for people

        Returns:
            The text as this viewer may see it
        """

    def shown(self, job: TenantJob) -> TenantJob:
        """A job as this viewer may see it

        Args:
            job: A job as read from its row

        Returns:
            A copy to show
        """

    def shown_steps(self, job: TenantJob, steps: list[Step]) -> list[Step]:
        """The steps of a job as this viewer may see them

        Args:
            job: A job as read from its row
            steps: Its steps

        Returns:
            Copies to show; no value where `redact` leaves none
        """

def show_as(view: View) -> None:
    """Set the view for components that are given none, for the rest of the request

    Args:
        view: Who looks in this request
    """

def StatusBadge(status: str) -> FT:
    """A status in its colour

    Args:
        status: The status of a job
    """

def in_words(secs: float) -> str:
    """A duration in everyday words

    Args:
        secs: A duration in seconds

    Returns:
        As in '3 min'
    """

class CardParts:
    """The parts of a job's card, as one viewer may see it"""
    view: Any
    job: Any

    def __init__(self, job: TenantJob, view: View | None=None) -> None:
        """Args:
            job: A job as read from its row
            view: Who looks; the view of the request if not given
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

    @property
    def state(self) -> str:
        """As long as it stays the same, only the live part of a card changes"""

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

    def status(self, **kw: Any) -> FT:
        """The status, in a region that screen readers announce"""

    def body(self, note: str='') -> FT:
        """Everything below the head of the card

        Args:
            note: Why a button did nothing
        """

    def update(self, note: str='') -> tuple[FT, FT]:
        """What replaces the old state of a card that is in a page already

        Args:
            note: Why a button did nothing

        Returns:
            The body, and the status as an out-of-band swap
        """

def JobCard(job: TenantJob, view: View | None=None, full: bool=False) -> FT:
    """One job: its status, summary, progress, error, and buttons

    Args:
        job: A job as read from its row
        view: Who looks; the view of the request if not given
        full: Show long texts too? In a thread, since that takes time

    Returns:
        A card that refreshes itself until the job has ended
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
        Collapsible texts and a list of facts
    """

def parse_int(s: str | None) -> int | None:
    """A number from a request

    Args:
        s: A parameter of a request

    Returns:
        None for anything but 1 to 18 digits
    """

@dataclass(frozen=True)
class Query:
    """Which page of a list is asked for"""
    status: str = ''
    'Only this status'
    type: str = ''
    'Only this type'
    id: str = ''
    'Only ids that start with this; the other filters are then ignored'
    below: int | None = None
    'Only jobs below this row'
    size: int = 50
    'Jobs on a page'
    batch: str = ''
    'Only this batch, with the job that follows it'

    @classmethod
    def of(cls, params: Any) -> Query:
        """From the parameters of a request

        Args:
            params: Parameters of a request, a mapping
        """

    def __str__(self) -> str: ...

    def jobs(self, store: JobStore) -> tuple[list[Any], Query | None]:
        """Ask the store for this page

        Args:
            store: The jobs of a tenant

        Returns:
            The jobs of the page, and the query for the next page if there is one
        """

def JobTable(
    jobs: list[TenantJob],
    view: View | None=None,
    query: Query | None=None,
    older: Query | None=None,
    types: list[str] | tuple[str, ...]=...,
) -> FT:
    """Many jobs, one per row

    Args:
        jobs: Jobs, newest first
        view: Who looks; the view of the request if not given
        query: Which page of a list this is; None for a table without filters
        older: The next page, if there is one
        types: Types to choose from

    Returns:
        A table; the newest page refreshes itself while nothing is selected
    """

def BatchProgress(batch: Batch, view: View | None=None) -> FT:
    """How many jobs of a batch have ended

    Args:
        batch: As `manager.get_batch` returns it
        view: Who looks; the view of the request if not given

    Returns:
        A bar and a line of words
    """

def JobStats(manager: BackgroundTaskManager, view: View | None=None) -> FT:
    """How a tenant's jobs are doing

    Args:
        manager: A tenant's manager
        view: Who looks; the view of the request if not given

    Returns:
        Numbers and a chart
    """

def PauseBar(pauses: list[Pause], view: View | None=None, types: list[str] | tuple[str, ...]=...) -> FT:
    """What is paused

    Args:
        pauses: As `manager.pauses` returns them
        view: Who looks; the view of the request if not given
        types: Types to choose from

    Returns:
        Notes and forms
    """

def TenantTable(
    tenants: list[Health],
    view: View | None=None,
    name: str='',
    page: int=0,
    unread: int=0,
    size: int=100,
) -> FT:
    """All tenants and how their jobs are doing

    Args:
        tenants: All tenants that are known, the worst first
        view: Who looks; the view of the request if not given
        name: Only tenants with this in their name
        page: Which page, from 0
        unread: How many more tenants are still to be read
        size: Tenants on a page

    Returns:
        A table that refreshes itself
    """
