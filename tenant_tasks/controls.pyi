# Made by tools/stubs.py from the module of the same name; do not edit
from .manager import BackgroundTaskManager
from .views import View
from fastcore.xml import FT

__all__ = ['nav_pages', 'JobsNav', 'ScheduleTable', 'QueueTable', 'BatchTable']

nav_pages: dict[str, str]

def JobsNav(view: View, here: str='jobs', inside: bool=False) -> FT:
    """Links to a tenant's pages

    Args:
        view: Who looks, from pages of jobs
        here: A key of `nav_pages`
        inside: On a page below that one?

    Returns:
        `<nav>`
    """

def ScheduleTable(manager: BackgroundTaskManager, view: View | None=None) -> FT:
    """A tenant's schedules: when they are due, and their last jobs

    Args:
        manager: A tenant's manager
        view: Who looks; the view of the request if not given

    Returns:
        A table that keeps itself up to date
    """

def QueueTable(manager: BackgroundTaskManager, view: View | None=None) -> FT:
    """What runs and waits of each task, and its limits

    Args:
        manager: A tenant's manager
        view: Who looks; the view of the request if not given

    Returns:
        A table that keeps itself up to date
    """

def BatchTable(manager: BackgroundTaskManager, view: View | None=None, below: str='', size: int=20) -> FT:
    """How far a tenant's newest batches are

    Args:
        manager: A tenant's manager
        view: Who looks; the view of the request if not given
        below: Only batches older than the one with this id
        size: Batches on a page

    Returns:
        A table that keeps itself up to date
    """
