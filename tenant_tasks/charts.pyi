# Made by tools/stubs.py from the module of the same name; do not edit
from .manager import BackgroundTaskManager
from .views import View
from fastcore.xml import FT

__all__ = ['JobStats']

def JobStats(manager: BackgroundTaskManager, view: View | None=None) -> FT:
    """How a tenant's jobs are doing

    Args:
        manager: A tenant's manager
        view: Who looks; the view of the request if not given

    Returns:
        Numbers and a chart
    """
