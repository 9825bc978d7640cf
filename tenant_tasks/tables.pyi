# Made by tools/stubs.py from the module of the same name; do not edit
from .job import TenantJob
from .peers import SeenWorker
from .store import JobStore,Pause
from .tenants import Health
from .views import View
from dataclasses import dataclass
from datetime import timedelta
from fastcore.xml import FT
from typing import Any

__all__ = ['spans', 'acts_on', 'tenant_columns', 'as_listed', 'open_types', 'scrolling', 'head_row', 'parse_int',
    'Query', 'list_state', 'JobRows', 'all_words', 'StatusTabs', 'JobTable', 'PauseNotes', 'PauseForm', 'PauseBar',
    'size_words', 'sorted_tenants', 'TenantRows', 'TenantTotals', 'LiveWorkers', 'TenantTable']

spans: dict[str, timedelta]
acts_on: dict[str, tuple[str, ...]]
tenant_columns: tuple[str, ...]

def as_listed(job: TenantJob, view: View) -> TenantJob:
    """A job as its row shows it

    Args:
        job: A job as read from its row
        view: Who looks

    Returns:
        A copy: its newest error alone, and no long texts
    """

def open_types(store: JobStore, view: View) -> list[str]:
    """The types of a tenant's jobs that a viewer may choose from

    Args:
        store: The jobs of a tenant
        view: Who looks

    Returns:
        In alphabetical order
    """

def scrolling(table: FT, label: str) -> FT:
    """A table that scrolls sideways where it is too wide, also by keyboard

    Args:
        table: A table
        label: What is in it

    Returns:
        `<div>`
    """

def head_row(words: str, heads: dict[Any, Any], *first: Any) -> FT:
    """The heads of a table

    Args:
        words: What the keys of their texts begin with
        heads: The rest of the key of each head, and the class of its column
        first: Cells in front of them

    Returns:
        `<tr>`
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
    like: str = ''
    'Only jobs of the type of this failed one that failed for the same reason'
    schedule: str = ''
    'Only jobs of this schedule'
    last: str = ''
    "Only jobs of the last 'hour', 'day' or 'week': when they ended, or were submitted if they are live"
    text: str = ''
    'Only jobs with this text in what is shown of their arguments and newest error'

    @classmethod
    def of(cls, params: Any) -> Query:
        """From the parameters of a request

        Args:
            params: Parameters of a request, a mapping
        """

    def __str__(self) -> str: ...

    def at(self, base: str) -> str:
        """The address of this page of the list

        Args:
            base: Address of the list
        """

    def filters(self, store: JobStore, view: View | None=None) -> dict[Any, Any] | None:
        """What is asked for, apart from ids, texts and pages

        Args:
            store: The jobs of a tenant
            view: Who looks, and when; the view of the request if not given

        Returns:
            Filters for `JobStore.find`; None if nothing can match
        """

    def with_text(self, store: JobStore, view: View | None=None) -> tuple[list[Any], int | None]:
        """The jobs that show the text, among the newest thousand that the other filters leave

        Args:
            store: The jobs of a tenant
            view: Who looks; the view of the request if not given

        Returns:
            Row numbers and jobs, the newest first; and below which row others may be
        """

    def jobs(self, store: JobStore, view: View | None=None) -> tuple[list[Any], Query | None]:
        """Ask the store for this page

        Args:
            store: The jobs of a tenant
            view: Who looks; the view of the request if not given

        Returns:
            The jobs of the page, and the query for the next page if there is one
        """

    def counts(self, store: JobStore, view: View | None=None) -> dict[Any, Any]:
        """How many jobs match, up to `count_limit`

        Args:
            store: The jobs of a tenant
            view: Who looks; the view of the request if not given

        Returns:
            By status, '' for all of them; those that are cheap to tell
        """

def list_state(jobs: list[TenantJob], view: View, older: Query | None=None) -> str:
    """What a list shows

    Args:
        jobs: Jobs, newest first
        view: Who looks
        older: The next page, if there is one

    Returns:
        A token
    """

def JobRows(
    jobs: list[TenantJob],
    view: View,
    query: Query,
    older: Query | None=None,
    live: bool=False,
) -> FT:
    """The live part of a list: the table and what leads on

    Args:
        jobs: Jobs, newest first
        view: Who looks, from pages of jobs
        query: Which page of a list this is
        older: The next page, if there is one
        live: Is it for the script? Then a row is made once for all who look
    """

def all_words(query: Query, act: str, n: int | None, asked: bool=False) -> str:
    """What acting on all jobs of a list does

    Args:
        query: Which list it is
        act: 'retry' or 'cancel'
        n: How many jobs, perhaps `AtLeast` so many, or None if it isn't known
        asked: In a question rather than on a button?
    """

def StatusTabs(counts: dict[Any, Any], view: View, query: Query) -> FT:
    """Links to the jobs of each status, with their number where it is known

    Args:
        counts: By status, as `Query.counts` has them
        view: Who looks, from pages of jobs
        query: Which page of a list this is
    """

def JobTable(
    jobs: list[TenantJob],
    view: View | None=None,
    query: Query | None=None,
    older: Query | None=None,
    types: list[str] | tuple[str, ...]=...,
    counts: dict[Any, Any] | None=None,
) -> FT:
    """Many jobs, one per row

    Args:
        jobs: Jobs, newest first
        view: Who looks; the view of the request if not given
        query: Which page of a list this is; None for a table without filters
        older: The next page, if there is one
        types: Types to choose from
        counts: Jobs by status, for tabs

    Returns:
        A table that keeps itself up to date
    """

def PauseNotes(pauses: list[Pause], view: View) -> FT:
    """A note for each pause

    Args:
        pauses: As `manager.pauses` returns them
        view: Who looks

    Returns:
        The live part of a `PauseBar`
    """

def PauseForm(view: View, types: list[str] | tuple[str, ...]=...) -> FT | None:
    """The way to pause a type of jobs or all

    Args:
        view: Who looks
        types: Types to choose from, as `open_types` returns them

    Returns:
        A form that is folded; None for those who may only look
    """

def PauseBar(pauses: list[Pause], view: View | None=None, types: list[str] | tuple[str, ...]=...) -> FT:
    """What is paused

    Args:
        pauses: As `manager.pauses` returns them
        view: Who looks; the view of the request if not given
        types: Types to choose from, as `open_types` returns them

    Returns:
        Notes and forms
    """

def size_words(n: int) -> str:
    """The size of a file for people

    Args:
        n: Bytes

    Returns:
        As in '1.2 MB', or '' for none
    """

def sorted_tenants(tenants: list[Health], sort: str='') -> list[Health]:
    """Tenants in another order

    Args:
        tenants: The worst first
        sort: One of `tenant_columns`, with a '-' in front of it for the largest first; '' for the worst first

    Returns:
        Those that can't be read come first
    """

def TenantRows(
    tenants: list[Health],
    view: View,
    name: str='',
    page: int=0,
    unread: int=0,
    size: int=100,
    sort: str='',
) -> FT:
    """The live part of a `TenantTable`

    Args:
        tenants: All tenants that are known, the worst first
        view: Who looks
        name: Only tenants with this in their name
        page: Which page, from 0
        unread: How many more tenants are still to be read
        size: Tenants on a page
        sort: See `sorted_tenants`
    """

def TenantTotals(tenants: list[Health], view: View, unread: int=0) -> FT:
    """Numbers over all tenants

    Args:
        tenants: All tenants that are known
        view: Who looks
        unread: How many more tenants are still to be read
    """

def LiveWorkers(workers: list[SeenWorker], view: View) -> FT:
    """The workers that are alive, and what they run

    Args:
        workers: As `Overview.workers` returns them
        view: Who looks
    """

def TenantTable(
    tenants: list[Health],
    view: View | None=None,
    name: str='',
    page: int=0,
    unread: int=0,
    size: int=100,
    sort: str='',
    workers: list[SeenWorker] | None=None,
) -> FT:
    """All tenants and how their jobs are doing

    Args:
        tenants: All tenants that are known, the worst first
        view: Who looks; the view of the request if not given
        name: Only tenants with this in their name
        page: Which page, from 0
        unread: How many more tenants are still to be read
        size: Tenants on a page
        sort: See `sorted_tenants`
        workers: The workers that are alive, to be shown too

    Returns:
        A table that refreshes itself
    """
