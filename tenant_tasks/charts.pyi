# Made by tools/stubs.py from the module of the same name; do not edit
from .manager import BackgroundTaskManager
from .views import View
from fastcore.xml import FT

__all__ = ['JobStats', 'JobFailures']

def JobStats(manager: BackgroundTaskManager, view: View | None=None, brief: bool=False) -> FT:
    """How a tenant's jobs are doing

    Args:
        manager: A tenant's manager
        view: Who looks; the view of the request if not given
        brief: Without the numbers that tabs tell?

    Returns:
        Numbers and a chart
    """

def JobFailures(manager: BackgroundTaskManager, view: View | None=None, limit: int=5) -> FT:
    """What failed in the last day, by type and error

    Args:
        manager: A tenant's manager
        view: Who looks; the view of the request if not given
        limit: How many kinds at most

    Returns:
        A list that is empty if nothing failed
    """
