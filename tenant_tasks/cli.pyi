# Made by tools/stubs.py from the module of the same name; do not edit
from .manager import BackgroundTaskManager
from .worker import Worker
from argparse import ArgumentParser
from collections.abc import Callable,Iterator
from datetime import timedelta
from typing import Any
import logging

__all__ = ['arguments', 'commands', 'printable', 'table', 'UsageError', 'warn', 'in_short', 'duration', 'files_at',
    'Target', 'cmd_ls', 'cmd_show', 'cmd_stats', 'cmd_retry', 'cmd_cancel', 'cmd_prune', 'cmd_rescue', 'cmd_schedules',
    'cmd_pauses', 'cmd_pause', 'cmd_resume', 'cmd_backup', 'cmd_restore', 'cmd_check', 'find_worker',
    'PrintableFormatter', 'cmd_worker', 'command_line', 'say', 'main']

arguments: dict[str, dict[str, str] | dict[str, type[Exception] | int | str] | dict[str, str | bool] | dict[str, type[Exception] | str]]
commands: dict[str, tuple[Callable[..., Any] | str, ...]]

def printable(o: Any, width: int | None=None) -> str:
    """A value as text that is safe to print in a terminal

    Args:
        o: Any value
        width: Longest text to return; the rest is cut off

    Returns:
        One line without control characters
    """

def table(rows: list[dict[Any, Any]]) -> str:
    """Rows as a text table

    Args:
        rows: Rows that all have the same keys

    Returns:
        Aligned columns under their names
    """

class UsageError(Exception):
    """A mistake in the command line; the text is what the user sees"""

def warn(e: Any) -> None:
    """Print one line on stderr

    Args:
        e: An error or a text
    """

def in_short(secs: float) -> str:
    """A length of time in the largest unit that fits

    Args:
        secs: A length of time in seconds

    Returns:
        Such as '5m'
    """

def duration(text: str) -> timedelta:
    """Read a length of time; `UsageError` if it can't be read or is longer than 100 years

    Args:
        text: Such as '90s', '15m', '12h', '30d' or '4w'

    Returns:
        The same length of time
    """

def files_at(path: str, tenant: str | None=None, suffix: str='.db') -> dict[str, str]:
    """The database files at a path; `UsageError` if there are none

    Args:
        path: A database file or a directory of tenants
        tenant: Only this tenant
        suffix: How a tenant's file in a directory ends

    Returns:
        Database files by tenant
    """

class Target:
    """The tenants that a command works on"""
    files: dict[str, str]
    code: int
    "The exit code; 2 once a database couldn't be used"

    def __init__(self, path: str, tenant: str | None=None, suffix: str='.db') -> None:
        """Args:
            path: A database file or a directory of tenants
            tenant: Only this tenant
            suffix: How a tenant's file in a directory ends
        """

    def manager(self, name: str) -> BackgroundTaskManager | None:
        """Open a tenant's database

        Args:
            name: A tenant

        Returns:
            Its manager, or None if it has no table of jobs
        """

    def ask(self, question: Callable[..., Any]) -> Iterator[Any]:
        """Ask each tenant that has a table of jobs

        Args:
            question: From a tenant's name and manager to a list of answers

        Returns:
            The answers of all tenants in one sequence
        """

    def locate(self, ids: list[str]) -> dict[str, str]:
        """Find jobs by their ids, or by how their ids start; `UsageError` if one isn't found, or several are

        Args:
            ids: Ids of jobs, or how they start

        Returns:
            Tenants by whole id, in this order
        """

def cmd_ls(args: Any) -> Any:
    """List jobs, newest first"""

def cmd_show(args: Any) -> Any:
    """Show one job in full, with its steps and errors"""

def cmd_stats(args: Any) -> Any:
    """Count the jobs in each state"""

def cmd_retry(args: Any) -> Any:
    """Start failed or cancelled jobs again, behind their finished steps"""

def cmd_cancel(args: Any) -> Any:
    """Cancel pending jobs, ask running ones to stop"""

def cmd_prune(args: Any) -> Any:
    """Delete jobs that ended long ago"""

def cmd_rescue(args: Any) -> Any:
    """Take over the jobs of processes that died"""

def cmd_schedules(args: Any) -> Any:
    """List schedules; run one now, pause it or resume it"""

def cmd_pauses(args: Any) -> Any:
    """List what is paused"""

def cmd_pause(args: Any) -> Any:
    """Start no more jobs of a type, or none at all; running ones go on"""

def cmd_resume(args: Any) -> Any:
    """End the pause of a type, or the one of all jobs"""

def cmd_backup(args: Any) -> Any:
    """Copy the tenants that have changed since the last backup, while everything runs"""

def cmd_restore(args: Any) -> Any:
    """Put the copies of a backup in the place of the databases, which no process may have open"""

def cmd_check(args: Any) -> Any:
    """Look for damage, stuck jobs, a full disk and whatever else keeps jobs from running"""

def find_worker(spec: str) -> Worker:
    """Import a worker; `UsageError` if there is none

    Args:
        spec: Such as 'myapp:worker'

    Returns:
        The object of that name
    """

class PrintableFormatter(logging.Formatter):
    """Log lines that are safe to print in a terminal"""

    def format(self, record: Any) -> Any: ...

def cmd_worker(args: Any) -> None:
    """Run a worker until SIGTERM or SIGINT"""

def command_line() -> ArgumentParser:
    """The parser of `tenant-tasks`

    Returns:
        With a subparser for each command
    """

def say(text: str) -> None:
    """Print a text, unless the reader of the pipe has gone

    Args:
        text: What to print
    """

def main(argv: list[str] | None=None) -> int:
    """Run the command `tenant-tasks`

    Args:
        argv: Arguments; those of the process if not given

    Returns:
        The exit code
    """
