# Made by tools/stubs.py from the module of the same name; do not edit
from .job import LogLine,Step,TenantJob
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from fastcore.xml import FT
from typing import Any,ClassVar

__all__ = ['texts', 'job_styles', 'count_limit', 'View', 'show_as', 'resolve_view', 'say', 'say_with', 'in_words',
    'utc_words', 'elapsed', 'time_tag', 'fold', 'pretty', 'token_input', 'dom_id', 'count_words']

texts: dict[str, str]
job_styles: FT
count_limit: int

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
    edit: bool = False
    'May a viewer who may act change the arguments of a job before a retry?'
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

    def shown_lines(self, job: TenantJob, lines: list[LogLine]) -> list[LogLine]:
        """The lines of a job's log as this viewer may see them

        Args:
            job: A job as read from its row
            lines: Lines of its log

        Returns:
            Copies to show; no line where `redact` leaves none
        """

def show_as(view: View | Callable[..., Any]) -> None:
    """Set the view for components that are given none, for the rest of the request

    Args:
        view: Who looks in this request; a function is called once a component needs the view
    """

def resolve_view(view: View | None=None) -> View:
    """The view to use: the one given, or else that of the request

    Args:
        view: The view that a component was given

    Returns:
        With a time
    """

def say(name: str, **fields: Any) -> str:
    """A text of the pages, in the app's words

    Args:
        name: A key of `texts`
        fields: What takes the place of the fields of the text
    """

def say_with(name: str, **fields: Any) -> tuple[Any, ...]:
    """A text of the pages with elements in it

    Args:
        name: A key of `texts`
        fields: Elements and other values, which take the place of the fields of the text

    Returns:
        Strings and elements
    """

def in_words(secs: float) -> str:
    """A duration in everyday words

    Args:
        secs: A duration in seconds

    Returns:
        As in '3 min'
    """

def utc_words(at: str) -> str:
    """A time for people, to the second

    Args:
        at: A timestamp
    """

def elapsed(at: str, now: datetime) -> str:
    """The time since then

    Args:
        at: A timestamp
        now: The time

    Returns:
        As in '3 min'
    """

def time_tag(words: str, at: str | None, how: str='for', what: str='') -> FT | str:
    """A time in other words, which the script on the page keeps true

    Args:
        words: What to show
        at: A timestamp
        how: How it goes on: 'for', 'ago', 'in', or 'at' for the time itself
        what: What stands in front of it

    Returns:
        The words alone if there is no time
    """

def fold(title: str | tuple[Any, ...], text: str, **kw: Any) -> FT:
    """A long text under its title

    Args:
        title: Its first line, or the pieces of it
        text: What is folded away
        kw: Attributes

    Returns:
        `<details>`
    """

def pretty(text: str | None) -> str:
    """JSON, indented

    Args:
        text: JSON from a row
    """

def token_input(view: View) -> FT:
    """What each form must send back

    Args:
        view: Who looks

    Returns:
        `<input>`
    """

def dom_id(job: TenantJob, part: str='') -> str:
    """The id of a part that shows a job

    Args:
        job: A job
        part: A part of its card; '' for the whole

    Returns:
        An id that is unique in a page
    """

def count_words(n: int) -> str:
    """A number for people

    Args:
        n: A number that is at most `count_limit`, perhaps `AtLeast` so many
    """
