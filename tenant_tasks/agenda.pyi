# Made by tools/stubs.py from the module of the same name; do not edit
from collections import Counter,OrderedDict
from typing import Any

__all__ = ['Agenda']

class Agenda:
    """Which tenants to look at now, and which later"""
    places: int
    per_tenant: int
    quantum: float
    round: float
    merge: float
    starts: int
    fresh: OrderedDict
    'Tenants that wait for their first turn of a round (a dict gets slow if many leave)'
    ready: OrderedDict
    'Tenants that have had one, the latest last, and whether they wait for another'
    waiting: int
    'How many of both wait'
    busy: Counter
    'Turns that each tenant has now'
    due: dict[Any, Any]
    'When to look at a tenant'
    spreads: dict[Any, Any]
    'When to give a busy tenant another place'
    working: set[Any]
    'Busy tenants of which a turn has found a job'

    def __init__(
        self,
        places: int=20,
        per_tenant: int=5,
        quantum: float=0.02,
        round: float=1.0,
        merge: float=0.005,
        starts: int=20,
    ) -> None:
        """Args:
            places: Turns at a time
            per_tenant: Turns of one tenant at a time
            quantum: Seconds that a turn may last while other tenants wait
            round: Seconds that a round of all waiting tenants should take; if they are many, turns are shorter
            merge: Nudges of a busy tenant within this many seconds count as one
            starts: Turns at a time that began less than that ago
        """

    def enqueue(self, tenant: str) -> None:
        """Put a tenant into the queue, unless it is already there

        Args:
            tenant: Look at this tenant
        """

    def queue(self) -> list[str]:
        """The tenants that wait for a turn

        Returns:
            In the order of their turns
        """

    def take(self, now: float) -> list[str]:
        """Give the free places to the first tenants in the queue that are below their share

        Args:
            now: The time in seconds

        Returns:
            Tenants whose turn begins
        """

    def finish(self, tenant: str, places: int=1) -> None:
        """Free the places of a turn

        Args:
            tenant: Whose turn has ended
            places: How many places it had
        """

    def extend(self, tenant: str) -> int:
        """Give a turn more places: at most its share, and a fair part of those that are free

        Args:
            tenant: A tenant whose turn has begun

        Returns:
            How many more places it has now
        """

    def keeps_turn(self, tenant: str, began: float, now: float) -> bool:
        """Is no other tenant ready, or is the quantum not used up? Safe to ask from any thread

        Args:
            tenant: The tenant that has the turn
            began: When the turn began, in seconds
            now: The time in seconds

        Returns:
            May it run another job before the turn ends?
        """

    def schedule(self, tenant: str, when: float) -> None:
        """Make a tenant ready at a given time, unless an earlier time is known

        Args:
            tenant: Look at this tenant
            when: At this time in seconds
        """

    def wait(self, now: float) -> float:
        """How long until the next tenant becomes ready by itself

        Args:
            now: The time in seconds

        Returns:
            Seconds, `inf` if nothing is scheduled
        """

    def nudge(self, tenant: str, now: float) -> None:
        """Make a tenant ready: at once, or in a moment if a turn of it is under way

        Args:
            tenant: The tenant that has new work
            now: The time in seconds
        """

    def spread(self, tenant: str, now: float) -> None:
        """Make a tenant ready in a moment, if a turn of it is still under way then and has found a job

        Args:
            tenant: A tenant whose turn has begun
            now: The time in seconds
        """

    def found(self, tenant: str) -> None:
        """Note that a turn has found a job. Safe to call from any thread

        Args:
            tenant: A tenant that has a turn
        """

    def calm(self, tenant: str) -> None:
        """Give a busy tenant no other place until something changes

        Args:
            tenant: A tenant that has no job to start now
        """

    def back_off(self, tenant: str, now: float, crowded: bool=False) -> float:
        """Leave a tenant alone for a while, longer after each failure

        Args:
            tenant: Whose database can't be used
            now: The time in seconds
            crowded: Is it only busy?

        Returns:
            Seconds until the next try
        """

    def recover(self, tenant: str) -> None:
        """Forget the failures of a tenant

        Args:
            tenant: Whose database works again
        """

    def forget(self, tenant: str) -> None:
        """Forget a tenant, except for its turns under way; `enqueue` and the others bring it back

        Args:
            tenant: A tenant that is gone
        """
