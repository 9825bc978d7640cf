# Made by tools/stubs.py from the module of the same name; do not edit
from .process import Process
from .tenants import Tenants
from collections.abc import Callable
from datetime import timedelta
from typing import Any

__all__ = ['Lookout']

class Lookout:
    """Finds the tenants that have a job to run"""
    prune_every: int
    'Seconds between two batches of one tenant, and jobs in a batch'
    prune_batch: int
    'Seconds between two batches of one tenant, and jobs in a batch'
    waits: float
    'Seconds that a portion of the first look waits while so many tenants have work to do'
    enough: int
    'Seconds that a portion of the first look waits while so many tenants have work to do'
    tenants: Tenants
    due: Callable[..., Any]
    ill: Callable[..., Any]
    queue: Callable[..., Any]
    share: Callable[..., Any]
    look_every: float
    sweep_every: float
    unknown_after: timedelta
    keep: timedelta | None
    process: Process
    declared: dict[Any, Any]
    'Schedules for all tenants, by name, and their time zones'
    synced: dict[Any, Any]
    'In which file of each tenant they are written'
    takes_stock: bool
    "Is the first look still at the worker's own share?"
    held: dict[Any, Any]
    'Tenants that were looked at when tasks could not start, by these tasks, the first first'

    def __init__(
        self,
        tenants: Tenants,
        due: Callable[..., Any],
        ill: Callable[..., Any],
        queue: Callable[..., Any]=...,
        share: Callable[..., Any]=...,
        *,
        look_every: float=0.5,
        sweep_every: float=1800,
        unknown_after: timedelta=...,
        keep: timedelta | None=None,
        process: Process=...,
    ) -> None:
        """Args:
            tenants: All tenants
            due: Called from any thread, with a tenant and the time in seconds at which it has a job to run
            ill: Called from any thread, with a tenant and the error of a look at it
            queue: Tenants that wait for their turn; a look at them can wait too. Called on the loop
            share: The worker's place among those of a directory, see `WorkerSign.share`
            look_every: Seconds between two looks at the files if the kernel doesn't tell what changes
            sweep_every: Seconds in which every tenant is looked at once, changed or not
            unknown_after: How long a due job may wait for a process that knows its task
            keep: Delete jobs that ended longer ago, a few at a time; None keeps all
            process: Which process this is
        """

    def look(self, name: str) -> None:
        """Tell when a tenant has a job to run, after taking over what dead processes have left

        Args:
            name: A tenant
        """

    def may_go_on(self, full: tuple[Any, ...]) -> bool:
        """May a tenant be looked at again that was looked at when these tasks could not start?

        Args:
            full: Names of tasks

        Returns:
            Has the executor of one of them a place by now?
        """

    def look_at(self, names: list[str], from_outside: bool=False) -> None:
        """Look at many tenants; an error of one of them goes to `ill`

        Args:
            names: Tenants
            from_outside: Leave those closed that have no live job?
        """

    def is_stale(self, name: str) -> bool:
        """Is the last look at a tenant more than five seconds ago?

        Args:
            name: A tenant that has a turn
        """

    def left(self) -> list[str]:
        """Tenants that are gone, or with jobs of processes that are dead, or may be silent

        Returns:
            Tenants to look at again
        """

    def forget(self, name: str) -> None:
        """Look at it again only when it changes

        Args:
            name: A tenant that is gone, or can't be read
        """

    async def run(self) -> None:
        """Find tenants until it is cancelled"""
