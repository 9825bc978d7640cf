# Made by tools/stubs.py from the module of the same name; do not edit
from .manager import BackgroundTaskManager
from .views import View
from datetime import datetime
from fastcore.xml import FT

__all__ = ['chart_spans', 'span_edges', 'JobStats', 'Throughput', 'SpanTabs', 'TimesTable', 'JobFailures']

chart_spans: dict[str, tuple[int, ...]]

def span_edges(span: str, now: datetime) -> list[str]:
    """The spans of time that a chart covers, up to the one that goes on

    Args:
        span: A key of `chart_spans`
        now: The time

    Returns:
        Timestamps: where a bar ends, the next begins
    """

def JobStats(manager: BackgroundTaskManager, view: View | None=None, brief: bool=False) -> FT:
    """How a tenant's jobs are doing

    Args:
        manager: A tenant's manager
        view: Who looks; the view of the request if not given
        brief: Without the numbers that tabs tell?

    Returns:
        Numbers and a chart
    """

def Throughput(manager: BackgroundTaskManager, view: View | None=None, span: str='hour') -> FT:
    """How many jobs completed and failed over time

    Args:
        manager: A tenant's manager
        view: Who looks; the view of the request if not given
        span: A key of `chart_spans`

    Returns:
        A chart that keeps itself up to date
    """

def SpanTabs(view: View, span: str='hour') -> FT:
    """Links to the spans of time that a chart can cover

    Args:
        view: Who looks, from pages of jobs
        span: A key of `chart_spans`

    Returns:
        `<nav>`
    """

def TimesTable(manager: BackgroundTaskManager, view: View | None=None, span: str='hour') -> FT:
    """How long the jobs of each type waited and ran

    Args:
        manager: A tenant's manager
        view: Who looks; the view of the request if not given
        span: A key of `chart_spans`

    Returns:
        A table that keeps itself up to date
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
