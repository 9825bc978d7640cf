# Made by tools/stubs.py from the module of the same name; do not edit
from .checks import Pulse
from .components import View
from .job import TenantJob
from .manager import BackgroundTaskManager
from .tenants import Overview,Tenants
from collections.abc import Callable
from fasthtml.core import FastHTML
from typing import Any

__all__ = ['Pages', 'JobPages', 'jobs_ui', 'TenantPages', 'operator_ui', 'health_route']

class Pages:
    """What all mounted pages have: a prefix, a guard, and the view behind it"""
    app: FastHTML
    guard: Callable[..., Any]
    prefix: str
    secret: tuple[Any, ...]
    redact: Callable[..., Any]
    internals: bool

    def __init__(
        self,
        app: FastHTML,
        guard: Callable[..., Any],
        prefix: str,
        secret: tuple[Any, ...]=...,
        redact: Callable[..., Any]=...,
        internals: bool=False,
    ) -> None:
        """Args:
            app: The app
            guard: From a request to 'read', 'act', None for nothing, or a response; sync or async
            prefix: Path of the pages
            secret: More keys of payloads that are secret in this app
            redact: Hides more: takes a job without its secrets, returns the job to show
            internals: Show processes, hosts and the paths of files?
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

    async def gate(self, req: Any) -> Any:
        """Ask the guard; 404 for visitors without access, 403 for a POST that isn't allowed

        Args:
            req: A request

        Returns:
            What the viewer may do, 'read' or 'act', or the guard's own response
        """

    def route(self, path: str, method: str, f: Callable[..., Any]) -> Any:
        """Put a page behind the gate

        Args:
            path: Path below the prefix
            method: 'get' or 'post'
            f: Called with the request and its view, async
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
            kw: `secret`, `redact` and `internals`, see `Pages`
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

    async def list_page(self, req: Any, view: View, note: str='') -> Any:
        """The list, with filters and numbers

        Args:
            req: A request
            view: Its view
            note: Why a button did nothing

        Returns:
            A page
        """

    async def job_page(self, req: Any, view: View, note: str='') -> Any:
        """One job, with its hundred newest steps; without JavaScript the page reloads while the job is live

        Args:
            req: A request
            view: Its view
            note: Why a button did nothing

        Returns:
            A page
        """

    async def card(self, req: Any, view: View) -> Any:
        """What has changed in a card

        Args:
            req: A request
            view: Its view

        Returns:
            Parts of a card
        """

    async def act(self, action: str, req: Any, view: View) -> Any:
        """Do what a button of a card says

        Args:
            action: 'cancel' or 'retry'
            req: A request
            view: Its view

        Returns:
            Parts of a card, a page that says why not, or a redirect
        """

    async def bulk(self, req: Any, view: View) -> Any:
        """Do what a button below a list says

        Args:
            req: A request
            view: Its view

        Returns:
            A redirect, or the list with a note
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

    def mount(self) -> Any:
        """Add all pages to the app, and the stylesheet to its headers"""

def jobs_ui(
    app: FastHTML,
    manager_for: Callable[..., Any],
    guard: Callable[..., Any],
    prefix: str='/jobs',
    secret: tuple[Any, ...]=...,
    redact: Callable[..., Any]=...,
    internals: bool=False,
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

    Returns:
        The pages; `view(req, act)` gives a view for components elsewhere
    """

class TenantPages(Pages):
    """The operator's pages, mounted on an app"""
    size: int
    'Tenants on a page'
    tenants: Tenants
    overview: Overview
    inside: JobPages

    def __init__(
        self,
        app: FastHTML,
        tenants: Any,
        guard: Callable[..., Any],
        prefix: str='/ops',
        **kw: Any,
    ) -> None:
        """Args:
            app: The app
            tenants: Tenants, a directory, a dict of databases, or a function from a name to a database
            guard: From a request to what the operator may do
            prefix: Path of the pages
            kw: `secret`, `redact` and `internals`, see `Pages`; an operator sees internals unless it is False
        """

    def manager(self, req: Any) -> BackgroundTaskManager:
        """The manager of the tenant that the path names

        Args:
            req: A request with a `tenant` in its path
        """

    async def home(self, req: Any, view: View) -> Any:
        """All tenants, the worst first

        Args:
            req: A request
            view: Its view

        Returns:
            A page
        """

def operator_ui(
    app: FastHTML,
    tenants: Any,
    guard: Callable[..., Any],
    prefix: str='/ops',
    secret: tuple[Any, ...]=...,
    redact: Callable[..., Any]=...,
) -> TenantPages:
    """Mount the operator's pages: all tenants, the worst first, and each tenant's jobs

    Args:
        app: The app
        tenants: Tenants, a directory, a dict of databases, or a function from a name to a database
        guard: From a request to what the operator may do: 'read', 'act', None for nothing, or a response
        prefix: Path of the pages
        secret: More keys of payloads that are secret in this app
        redact: Hides more: takes a job without its secrets, returns the job to show

    Returns:
        The pages
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
