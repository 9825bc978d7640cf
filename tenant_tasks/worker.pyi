# Made by tools/stubs.py from the module of the same name; do not edit
from .agenda import Agenda
from .lookout import Lookout
from .manager import BackgroundTaskManager
from .process import Process,ThreadLimit
from .tenants import Tenants
from collections.abc import AsyncIterator,Callable
from datetime import timedelta
from typing import Any

__all__ = ['Worker']

class Worker:
    """Runs the due jobs of all tenants"""
    concurrency: int
    per_tenant: int
    tenants: Tenants
    grace: float
    looks: dict[Any, Any]
    process: Process
    threads: ThreadLimit
    agenda: Agenda
    lookout: Lookout

    def __init__(
        self,
        tenants: Any,
        *,
        concurrency: int=20,
        per_tenant: int=5,
        grace: float=10,
        look_every: float=0.5,
        sweep_every: float=1800,
        unknown_after: timedelta=...,
        keep: timedelta | None=None,
        executors: dict[Any, Any] | None=None,
        process: Process=...,
    ) -> None:
        """Args:
            tenants: Tenants, a directory, a dict of databases, or a function from a name to a database
            concurrency: Jobs at a time
            per_tenant: Jobs of one tenant at a time
            grace: Seconds that running jobs get when the worker stops
            look_every: Seconds between two looks at the files if the kernel doesn't tell what changes
            sweep_every: Seconds in which every tenant is looked at once, changed or not
            unknown_after: How long a due job may wait for a process that knows its task
            keep: Delete jobs that ended longer ago, a few at a time; None keeps all
            executors: What calls the functions of tasks with `on`, by name, as `set_executors` takes them
            process: Which process this is; another one only in tests
        """

    def __repr__(self) -> str: ...

    def schedule(
        self,
        name: Any,
        func: Any,
        /,
        cron: str | None=None,
        every: timedelta | float | None=None,
        tz: str | Callable[..., Any]='UTC',
        catch_up: str='once',
        overlap: str='skip',
        spread: timedelta | float=0,
        **kwargs: Any,
    ) -> None:
        """Run a registered task again and again in every tenant

        Args:
            cron: As in '0 7 * * 1': minute, hour, day, month, weekday
            every: Or an interval, as a duration or in seconds
            tz: The time zone in which `cron` is meant, or a function from a tenant's name to it
            catch_up: Ticks of a downtime: one job for all, `skip` them, or `all`, the latest hundred
            overlap: May a run start while an earlier one goes on? `skip` or `allow`
            spread: Delay each tenant by a share of this time, always the same
            kwargs: Arguments for `func`, as JSON can hold them
        """

    def nudge(self, manager: BackgroundTaskManager) -> bool:
        """Look at a tenant now

        Args:
            manager: The manager that has new work

        Returns:
            Will this worker run the tenant's jobs?
        """

    async def run(self) -> None:
        """Run jobs until `stop`; `ValueError` if a task names an executor that isn't there"""

    def stop(self) -> None:
        """Claim nothing more, give running jobs the grace period, release what is left"""

    def lifespan(self, app: Any=None) -> AsyncIterator[Any]:
        """Run inside an app: `fast_app(lifespan=worker.lifespan)`

        Args:
            app: The app, which FastHTML passes in
        """

    def main(self, processes: int=1) -> None:
        """Run until a signal comes, then end the process

        Args:
            processes: How many; if more than one, this process starts and watches them
        """
