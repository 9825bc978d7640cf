# Made by tools/stubs.py from the module of the same name; do not edit
from .manager import BackgroundTaskManager
from .tenants import Health,Overview,Tenants
from .watch import JobWatch
from .worker import Worker
from argparse import ArgumentParser
from collections.abc import Callable,Iterator
from datetime import datetime,timedelta
from typing import Any
import logging

__all__ = ['arguments', 'commands', 'table', 'UsageError', 'warn', 'say', 'in_short', 'duration', 'files_at', 'Target',
    'cmd_ls', 'cmd_show', 'cmd_stats', 'cmd_retry', 'cmd_cancel', 'cmd_prune', 'cmd_rescue', 'cmd_schedules',
    'cmd_pauses', 'cmd_pause', 'cmd_resume', 'cmd_backup', 'cmd_restore', 'cmd_check', 'clip', 'Screen', 'JobFrames',
    'FileFrames', 'TenantFrames', 'follow', 'cmd_watch', 'find_worker', 'PrintableFormatter', 'cmd_worker',
    'command_line', 'main']

arguments: dict[str, dict[str, str] | dict[str, type[Exception] | int | str] | dict[str, str | bool] | dict[str, type[Exception] | str | int] | dict[str, type[Exception] | str]]
commands: dict[str, tuple[Callable[..., Any] | str, ...]]

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

def say(text: str) -> bool:
    """Print a text, unless the reader of the pipe has gone

    Args:
        text: What to print

    Returns:
        Is it printed?
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

def clip(line: str, width: int) -> str:
    """Cut a line at the width of a terminal

    Args:
        line: A printable line
        width: Columns of the terminal

    Returns:
        As much of it as fits
    """

class Screen:
    """Lines in a terminal that are drawn again in place"""
    out: Any
    size: Callable[..., Any]
    drawn: list[Any]
    'The lines that it shows'
    last: Any
    'How large it was'
    colour: Any

    def __init__(self, out: Any, size: Callable[..., Any]=...) -> None:
        """Args:
            out: The terminal, as a file
            size: Its columns and rows
        """

    def __enter__(self) -> Any: ...

    def __exit__(self, *exc: Any) -> None: ...

    def draw(self, lines: list[str]) -> Any:
        """Show these lines in the place of those before

        Args:
            lines: Printable lines
        """

class JobFrames:
    """Follows one job"""
    name: str
    watch: JobWatch

    def __init__(self, name: str, watch: JobWatch) -> None:
        """Args:
            name: Its tenant
            watch: The job
        """

    @property
    def done(self) -> Any: ...

    @property
    def code(self) -> Any: ...

    def look(self, now: datetime) -> list[tuple[Any, ...]]:
        """The change since the last look, if there is one

        Args:
            now: The time

        Returns:
            Pairs of a line and data
        """

    def frame(self, now: datetime, height: int) -> list[str]:
        """The job, its progress, and the newest lines of its log

        Args:
            now: The time
            height: Rows of the terminal
        """

class FileFrames:
    """Follows the newest jobs of a database file"""
    done: bool
    code: int
    name: str
    find: Callable[..., Any]
    manager: Any
    limit: int
    jobs: dict[Any, Any]
    'As seen at the last look, by id'

    def __init__(self, name: str, find: Callable[..., Any], limit: int=100) -> None:
        """Args:
            name: Its tenant
            find: From its name to its manager, or to None while it has no table of jobs
            limit: How many jobs
        """

    def look(self, now: datetime) -> list[tuple[Any, ...]]:
        """The jobs that are new or have moved since the last look; only live ones at the first

        Args:
            now: The time

        Returns:
            Pairs of a line and data
        """

    def frame(self, now: datetime, height: int) -> list[str]:
        """A table of the jobs, the newest first

        Args:
            now: The time
            height: Rows of the terminal
        """

class TenantFrames:
    """Follows the tenants of a directory"""
    done: bool
    code: int
    overview: Overview
    before: dict[Any, Any]
    'What was known of each tenant at the last look'
    moved: set[Any]
    'Tenants in which something has happened since the first one'
    ends: dict[Any, Any]
    'The newest job that ended, by tenant, with the counts at that time'

    def __init__(self, tenants: Tenants) -> None:
        """Args:
            tenants: All tenants
        """

    def moving(self) -> list[Health]:
        """Tenants with live jobs, or in which something has happened

        Returns:
            The busiest first
        """

    def look(self, now: datetime) -> list[tuple[Any, ...]]:
        """The tenants whose numbers have changed since the last look; only moving ones at the first

        Args:
            now: The time

        Returns:
            Pairs of a line and data
        """

    def last_end(self, o: Health, now: datetime) -> str:
        """The newest job of a tenant that has ended

        Args:
            o: A tenant
            now: The time

        Returns:
            As in 'sync_data failed 5s ago'
        """

    def frame(self, now: datetime, height: int) -> list[str]:
        """A table of the tenants that move, the busiest first

        Args:
            now: The time
            height: Rows of the terminal
        """

def follow(what: Any, every: float=1, screen: Screen | None=None, as_json: bool=False) -> int:
    """Look at something until it is done, and show what has changed

    Args:
        what: Such as a `JobFrames`
        every: Seconds between two looks
        screen: The terminal; None to print a line for each change
        as_json: Print data instead of lines?

    Returns:
        The exit code
    """

def cmd_watch(args: Any) -> Any:
    """Follow one job until it has ended, or all that moves until Ctrl-C"""

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

def main(argv: list[str] | None=None) -> int:
    """Run the command `tenant-tasks`

    Args:
        argv: Arguments; those of the process if not given

    Returns:
        The exit code
    """
