# Made by tools/stubs.py from the module of the same name; do not edit
from .checks import Pulse
from .job import TenantJob
from .manager import BackgroundTaskManager
from .views import View
from collections.abc import Callable
from fastcore.xml import FT
from fasthtml.core import FastHTML
from functools import partial
from starlette.responses import Response
from typing import Any

__all__ = ['patience', 'live_kinds', 'ask_from', 'panels', 'Pages', 'is_live', 'live_answer', 'quickly', 'JobPages',
    'by_clock', 'full_page', 'said', 'asking_once', 'live_kind', 'bulk_words', 'ask_page', 'panel', 'jobs_ui',
    'health_route']

patience: float
live_kinds: dict[str, Callable[..., Any] | partial]
ask_from: int
panels: dict[str, Callable[..., Any]]

class Pages:
    """What all mounted pages have: a prefix, a guard, and the view behind it"""
    app: FastHTML
    guard: Callable[..., Any]
    prefix: str
    secret: tuple[Any, ...]
    redact: Callable[..., Any]
    internals: bool
    edit: bool

    def __init__(
        self,
        app: FastHTML,
        guard: Callable[..., Any],
        prefix: str,
        secret: tuple[Any, ...]=...,
        redact: Callable[..., Any]=...,
        internals: bool=False,
        edit: bool=False,
    ) -> None:
        """Args:
            app: The app
            guard: From a request to 'read', 'act', None for nothing, or a response; sync or async
            prefix: Path of the pages
            secret: More keys of payloads that are secret in this app
            redact: Hides more: takes a job without its secrets, returns the job to show
            internals: Show processes, hosts and the paths of files?
            edit: May viewers who may act change the arguments of a job before a retry?
        """

    def base(self, req: Any) -> str:
        """The address of these pages, with the path parameters of the request filled in

        Args:
            req: A request
        """

    def view(self, req: Any, act: bool=False) -> View:
        """The view for components in the response to this request

        Args:
            req: A request
            act: May this viewer cancel and retry?
        """

    async def ask(self, f: Callable[..., Any], req: Any) -> Any:
        """Ask the app, for a short time; 500 if its function raises something, and the reason in the log

        Args:
            f: The app's `guard` or `manager_for`
            req: A request

        Returns:
            What it returns
        """

    async def gate(self, req: Any) -> Any:
        """Ask the guard; 404 for visitors without access, 403 for a POST that isn't allowed

        Args:
            req: A request

        Returns:
            What the viewer may do, 'read' or 'act', or the guard's own response
        """

    async def answer(self, f: Callable[..., Any], req: Any) -> Any:
        """What a page behind the gate answers

        Args:
            f: Called with the request and its view, async
            req: A request

        Returns:
            What it returns, or an error for people
        """

    def route(self, path: str, method: str, f: Callable[..., Any]) -> Any:
        """Put a page behind the gate

        Args:
            path: Path below the prefix
            method: 'get' or 'post'
            f: Called with the request and its view, async
        """

    def add_files(self) -> Any:
        """Serve the stylesheet and the script, and name them in the app's headers; `ValueError` for a prefix that is taken"""

    async def to_list(self, req: Any, view: View) -> Any:
        """The address of the list, with its filters

        Args:
            req: A request with a slash at the end
            view: Its view

        Returns:
            A redirect
        """

def is_live(req: Any) -> bool:
    """Does it come from the script of the pages?

    Args:
        req: A request
    """

def live_answer(text: str='', status: int=0, **kw: Any) -> Response:
    """An answer to the script

    Args:
        text: Words for people, or the parts that have changed
        status: 204 for no text and 200 for one, if not given
        kw: `headers` and `background` of the response
    """

async def quickly(manager: BackgroundTaskManager, f: Callable[..., Any], *args: Any) -> Any:
    """Call a function in a thread that waits no longer than a page may for a locked database

    Args:
        manager: A tenant's manager
        f: Reads or writes
        args: Its arguments

    Returns:
        What `f` returns
    """

class JobPages(Pages):
    """A tenant's pages, mounted on an app"""
    manager_for: Callable[..., Any]
    above: Pages | None

    def __init__(
        self,
        app: FastHTML,
        manager_for: Callable[..., Any],
        guard: Callable[..., Any],
        prefix: str='/jobs',
        above: Pages | None=None,
        **kw: Any,
    ) -> None:
        """Args:
            app: The app
            manager_for: From a request to the tenant's manager, sync or async
            guard: From a request to what the viewer may do
            prefix: Path of the pages
            above: The pages that lead here, if there are any
            kw: `secret`, `redact`, `internals` and `edit`, see `Pages`
        """

    async def manager(self, req: Any) -> BackgroundTaskManager:
        """The manager that the app picks for this request

        Args:
            req: A request
        """

    async def job(self, req: Any) -> tuple[BackgroundTaskManager, TenantJob]:
        """The manager, and the job that the path names

        Args:
            req: A request with a `job_id` in its path
        """

    async def list_page(self, req: Any, view: View) -> Any:
        """The list, with filters and numbers

        Args:
            req: A request
            view: Its view

        Returns:
            A page
        """

    async def job_page(self, req: Any, view: View, note: str='', typed: str | None=None) -> Any:
        """One job, with its hundred newest steps; without JavaScript the page reloads while the job is live

        Args:
            req: A request
            view: Its view
            note: Why a button did nothing
            typed: Other arguments that were typed and refused

        Returns:
            A page
        """

    async def live(self, req: Any, view: View) -> Any:
        """What has changed in a page

        Args:
            req: A request
            view: Its view

        Returns:
            The parts that have changed
        """

    async def act(self, action: str, req: Any, view: View) -> Any:
        """Do what a button of a card says

        Args:
            action: 'cancel', 'retry', 'restart' or 'run'
            req: A request
            view: Its view

        Returns:
            A redirect, a page that says why not, or one that asks
        """

    async def retry_with(self, req: Any, view: View) -> Any:
        """Retry a job with the arguments of the form

        Args:
            req: A request
            view: Its view

        Returns:
            A redirect, or a page that says why not
        """

    def tell(self, req: Any, back: str, words: str, role: str, background: Any=None) -> Response:
        """Say something on the next page, or to the script at once

        Args:
            req: A request
            back: The address of the next page
            words: What to say
            role: 'alert', or 'status' for what went well
            background: What runs after the response

        Returns:
            A redirect, or an answer to the script
        """

    async def bulk(self, req: Any, view: View) -> Any:
        """Do what a button below a list says

        Args:
            req: A request
            view: Its view

        Returns:
            A redirect, or a page that asks
        """

    async def act_on_all(self, req: Any, view: View) -> Any:
        """Do what the button for all jobs of a list says

        Args:
            req: A request
            view: Its view

        Returns:
            A redirect, or a page that asks
        """

    async def set_pause(self, action: str, req: Any, view: View) -> Any:
        """Pause a type of jobs or all, or end a pause

        Args:
            action: 'pause' or 'resume'
            req: A request
            view: Its view

        Returns:
            A redirect to the list
        """

    async def show_panel(self, name: str, req: Any, view: View) -> Any:
        """One of the pages beside the list

        Args:
            name: A key of `nav_pages`
            req: A request
            view: Its view

        Returns:
            A page
        """

    async def act_on_schedule(self, action: str, req: Any, view: View) -> Any:
        """Do what a button of a schedule says

        Args:
            action: 'run', 'pause' or 'resume'
            req: A request
            view: Its view

        Returns:
            A redirect, or an answer to the script
        """

    def mount_panels(self) -> None:
        """Add the pages beside the list to the app"""

    def mount(self) -> Any:
        """Add all pages to the app, and the stylesheet and the script to its headers"""

    async def cards_view(self, req: Any) -> View | Callable[..., Any]:
        """The view of cards that are shown outside these pages

        Args:
            req: A request for any page of the app

        Returns:
            For `show_as`
        """

def by_clock(view: View, clock: Callable[..., Any]) -> View:
    """A view whose times are relative to that of a clock

    Args:
        view: Who looks
        clock: Says what time it is
    """

def full_page(title: str, *c: FT | None, up: tuple[Any, ...] | list[Any]=...) -> tuple[Any, ...]:
    """A page of ours, in the app's own frame

    Args:
        title: Its heading
        c: What is on it
        up: Where it leads back to: words and an address each

    Returns:
        The title and `<main>`
    """

def said(note: str, role: str='alert') -> FT | None:
    """A note at the top of a page

    Args:
        note: What happened, or ''
        role: 'alert', or 'status' for what went well
    """

def asking_once(manager: BackgroundTaskManager) -> BackgroundTaskManager:
    """A manager that asks for numbers and for what a text is compared with once

    Args:
        manager: A tenant's manager

    Returns:
        A copy, for one request
    """

def live_kind(name: str) -> Callable[..., Any]:
    """Let a kind of parts take part in the refresh

    Args:
        name: What the parts have before the colon

    Returns:
        A decorator of a function of the manager, the view, what the part is about, and the token of the page
    """

def bulk_words(action: str, notes: list[str]) -> str:
    """What came of acting on many jobs

    Args:
        action: 'cancel' or 'retry'
        notes: For each job why nothing was done, or ''
    """

def ask_page(words: str, view: View, back: str, to: str, **vals: Any) -> tuple[Any, ...]:
    """A page that asks before something is done

    Args:
        words: What a click does
        view: Who looks
        back: The address of the list
        to: Where the form is sent: 'bulk' or 'all'
        vals: What is sent, as names and values

    Returns:
        A page
    """

def panel(name: str) -> Callable[..., Any]:
    """A page of a tenant beside the list

    Args:
        name: A key of `nav_pages`

    Returns:
        A decorator of a function of the manager, the view, and the parameters of a request
    """

def jobs_ui(
    app: FastHTML,
    manager_for: Callable[..., Any],
    guard: Callable[..., Any],
    prefix: str='/jobs',
    secret: tuple[Any, ...]=...,
    redact: Callable[..., Any]=...,
    internals: bool=False,
    edit: bool=False,
) -> JobPages:
    """Mount a tenant's pages: the list of jobs, each job, and the buttons

    Args:
        app: The app
        manager_for: From a request to the tenant's manager, sync or async
        guard: From a request to what the viewer may do: 'read', 'act', None for nothing, or a response
        prefix: Path of the pages; may have parameters, as in '/{tenant}/jobs'
        secret: More keys of payloads that are secret in this app
        redact: Hides more: takes a job without its secrets, returns the job to show
        internals: Show processes, hosts and the paths of files? Users of a tenant need not see them
        edit: May viewers who may act change the arguments of a job before a retry?

    Returns:
        The pages; `view(req, act)` gives a view for components elsewhere
    """

def health_route(
    app: FastHTML,
    tenants: Any,
    guard: Callable[..., Any]=...,
    prefix: str='/ops',
    seconds: float=1.0,
) -> Pulse:
    """Answer load balancers: 200 if this process can serve its tenants, else 503

    Args:
        app: The app
        tenants: Tenants, a directory, a dict of databases, or a function from a name to a database
        guard: From a request to 'read' or 'act' for those who may see details, sync or async
        prefix: The route is `{prefix}/health`
        seconds: How long an answer may take

    Returns:
        What looks
    """
