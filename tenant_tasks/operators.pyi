# Made by tools/stubs.py from the module of the same name; do not edit
from .manager import BackgroundTaskManager
from .pages import JobPages,Pages
from .peers import SeenWorker
from .tenants import Health,Overview,Tenants
from .views import View
from collections.abc import Callable
from fasthtml.core import FastHTML
from typing import Any

__all__ = ['budget', 'TenantPages', 'operator_ui']

budget: float

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
            kw: `secret`, `redact`, `internals` and `edit`, see `Pages`; the last two are True unless given
        """

    def manager(self, req: Any) -> BackgroundTaskManager:
        """The manager of the tenant that the path names

        Args:
            req: A request with a `tenant` in its path
        """

    async def health(self) -> list[Health]:
        """What is known of all tenants, after a short time of reading, which goes on if it takes longer

        Returns:
            The worst first
        """

    async def workers(self) -> list[SeenWorker]:
        """The workers that are alive"""

    def shown(self, params: Any, view: View) -> tuple[View, str, int, int, int, str]:
        """Which tenants a page shows

        Args:
            params: Parameters of a request, a mapping
            view: Who looks

        Returns:
            The view, part of a name, page, tenants unread, how many a page has, order
        """

    async def home(self, req: Any, view: View) -> Any:
        """All tenants, the worst first

        Args:
            req: A request
            view: Its view

        Returns:
            A page
        """

    async def live(self, req: Any, view: View) -> Any:
        """What has changed in the page

        Args:
            req: A request
            view: Its view

        Returns:
            The table, if it has changed
        """

def operator_ui(
    app: FastHTML,
    tenants: Any,
    guard: Callable[..., Any],
    prefix: str='/ops',
    secret: tuple[Any, ...]=...,
    redact: Callable[..., Any]=...,
    edit: bool=True,
) -> TenantPages:
    """Mount the operator's pages: all tenants, the worst first, and each tenant's jobs

    Args:
        app: The app
        tenants: Tenants, a directory, a dict of databases, or a function from a name to a database
        guard: From a request to what the operator may do: 'read', 'act', None for nothing, or a response
        prefix: Path of the pages
        secret: More keys of payloads that are secret in this app
        redact: Hides more: takes a job without its secrets, returns the job to show
        edit: May operators who may act change the arguments of a job before a retry?

    Returns:
        The pages
    """
