# Made by tools/stubs.py from the module of the same name; do not edit
from dataclasses import dataclass
from datetime import datetime
from typing import Any,NamedTuple

__all__ = ['live_statuses', 'final_statuses', 'statuses', 'transitions', 'never', 'max_json', 'max_error', 'max_log',
    'max_attempts', 'max_lines', 'max_line', 'utcnow', 'timestamp', 'parse_time', 'new_id', 'JobId', 'check_int',
    'check_text', 'BadPayload', 'dump_kwargs', 'dump_value', 'dump_result', 'read_errors', 'add_error', 'error_message',
    'error_line', 'JobRecord', 'TenantJob', 'PastAttempt', 'add_attempt', 'clip_line', 'LogLine', 'LogLines', 'Failure',
    'TypeTimes', 'Timings', 'Some', 'timings', 'Step', 'Batch', 'JobList']

live_statuses: tuple[str, ...]
final_statuses: tuple[str, ...]
statuses: tuple[str, ...]
transitions: dict[str, tuple[tuple[str, ...] | str, ...]]
never: str
max_json: int
max_error: int
max_log: int
max_attempts: int
max_lines: int
max_line: int

def utcnow() -> datetime:
    """The time now, in UTC: the default clock of everything that takes a clock"""

def timestamp(at: datetime) -> str:
    """Format a time for a row; `ValueError` for a time without a zone

    Args:
        at: A time with a time zone

    Returns:
        UTC, ISO 8601, microseconds; always the same width
    """

def parse_time(at: str | None) -> datetime:
    """Read a time from a row; never fails

    Args:
        at: A time as stored in a row

    Returns:
        The same, in UTC; 1970 if it can't be read
    """

def new_id() -> str:
    """An id for a job or a claim: unique, unguessable, and sortable by time of creation

    Returns:
        32 hexadecimal digits
    """

class JobId(str):
    """A job's id, as `submit` returns it"""

    @staticmethod
    def __new__(cls, job_id: str, is_new: bool=True) -> Any:
        """Args:
            job_id: The id
            is_new: False if a live job with the same unique key was there, and this is its id
        """

    def __reduce__(self) -> Any: ...

def check_int(name: str, value: Any, least: int=0) -> int:
    """`ValueError` unless `value` is an int of at least `least` that fits into four bytes

    Args:
        name: What to call the value in the error
        value: The value
        least: The smallest int that is allowed

    Returns:
        The value
    """

def check_text(name: str, value: Any) -> str:
    """`ValueError` unless `value` is a string that isn't blank

    Args:
        name: What to call the value in the error
        value: The value

    Returns:
        The value
    """

class BadPayload(ValueError):
    """A payload or a step's value can't be stored, or the stored payload isn't a JSON object of arguments"""

def dump_kwargs(kwargs: dict[str, Any]) -> str:
    """Arguments as a row's `payload`; `BadPayload` names the argument that JSON can't hold

    Args:
        kwargs: Keyword arguments of a task

    Returns:
        A JSON object, `max_json` bytes at most
    """

def dump_value(name: str, value: Any) -> str:
    """A value of a job as JSON; `BadPayload` if JSON can't hold it

    Args:
        name: What to call the value in the error
        value: The value of a step

    Returns:
        JSON, `max_json` bytes at most
    """

def dump_result(value: Any) -> tuple[str | None, str]:
    """A return value as a row's `result`; never fails

    Args:
        value: What the function returned

    Returns:
        The row's `result`, and a note on what had to be changed ('' if nothing)
    """

def read_errors(log: str | None) -> list[dict[Any, Any]]:
    """An error log as a list of failures

    Args:
        log: An error log

    Returns:
        `attempt`, `at` and `error` of each failure in it, newest first
    """

def add_error(log: str | None, attempt: int, at: datetime, error: str) -> str:
    """Put a failed attempt on top of an error log

    Args:
        log: The log so far
        attempt: Which attempt failed, from 1
        at: When
        error: Its traceback, or a reason

    Returns:
        The log with this failure on top, at most `max_log` characters
    """

def error_message(error: str) -> str:
    """The line of an error that says what it is: the one that names the exception, or the last one if none does

    Args:
        error: A traceback, or a reason

    Returns:
        One line
    """

def error_line(log: str | None) -> str:
    """The `error_message` of the newest failure, with `#` in place of numbers and ids

    Args:
        log: An error log, or another text

    Returns:
        At most 300 characters
    """

@dataclass
class JobRecord:
    """The columns that users read"""
    id: str
    'Unique job identifier'
    job_type: str
    'Job category (e.g., "sync", "email")'
    status: str = 'pending'
    'pending / running / completed / failed / cancelled'
    payload: str | None = '{}'
    'JSON kwargs passed to task function'
    result: str | None = None
    'JSON result on completion'
    error_log: str | None = None
    'Stack trace of the last failure; earlier attempts follow'
    retry_count: int = 0
    'Failed attempts so far'
    max_retries: int = 3
    'Attempts in all before marking failed'

@dataclass
class TenantJob(JobRecord):
    """Tenant-level background job with retry support."""
    created_at: str | None = None
    'When it was submitted'
    started_at: str | None = None
    'When its latest attempt started'
    completed_at: str | None = None
    'When it reached a final state'
    run_at: str = ''
    "When it may run; '' means at once"
    priority: int = 0
    'Higher goes first'
    unique_key: str | None = None
    'At most one live job has this key'
    task: str | None = None
    'Name under which any process finds the function'
    function: str | None = None
    "The function's name, for people to read; it is never used to call anything"
    owner: str | None = None
    'Process that submitted it or, once claimed, runs it'
    claim: str | None = None
    'A token unique to this claim, needed to write the outcome'
    lease_until: str | None = None
    'When the claim ends unless its process renews it'
    progress: float | None = None
    'From 0 to 1'
    progress_note: str | None = None
    'The current step, in words'
    cancel_requested: int = 0
    '1 once a user has asked a running job to stop'
    deaths: int = 0
    'Deaths of its processes that spent no attempt, because the job had got further'
    batch: str | None = None
    'The batch that it belongs to, which is the id of the job that follows the batch'
    schedule: str | None = None
    'Name of the schedule that made it'
    tick: str | None = None
    'The time for which its schedule made it'
    attempt_log: str | None = None
    'JSON of its newest attempts that ended, all but a completed one'
    trace: str | None = None
    'The W3C trace context of the code that submitted it, if that is traced'

    @property
    def kwargs(self) -> dict[Any, Any]:
        """The payload, decoded: what the task function receives"""

    @property
    def value(self) -> Any:
        """The result, decoded: what the task function returned"""

    @property
    def errors(self) -> list[dict[Any, Any]]:
        """The failed attempts, newest first"""

    @property
    def attempts(self) -> list[PastAttempt]:
        """Its newest attempts, oldest first, up to the one that runs"""

    @property
    def waited(self) -> float | None:
        """Seconds from when its latest attempt was due to its start; None if it hasn't started since it became due"""

    @property
    def ran(self) -> float | None:
        """Seconds that its last attempt took; None while it is pending or running, or if it ended without a start"""

    def __ft__(self) -> Any: ...

class PastAttempt(NamedTuple):
    """An attempt at a job"""
    number: int
    'Which attempt, from 1'
    start: str | None
    'When it started'
    end: str | None
    'When it ended; None while it runs'
    outcome: str
    'completed, failed, cancelled, died, snoozed or released; or running'

    @property
    def secs(self) -> float | None:
        """How many seconds it took; None while it runs"""

def add_attempt(job: TenantJob, end: datetime, outcome: str) -> str:
    """Put an attempt behind those that a job remembers

    Args:
        job: A job as it was claimed
        end: When the attempt ended
        outcome: How, see `PastAttempt`

    Returns:
        The row's new `attempt_log`, with at most `max_attempts` of them
    """

def clip_line(text: Any) -> str:
    """Text as a line of a job's log; what is too long ends in a note

    Args:
        text: Anything; `str` is called with it

    Returns:
        At most `max_line` characters, as UTF-8 can hold them
    """

class LogLine(NamedTuple):
    """A line of a job's log"""
    n: int
    'Its number, from 1'
    attempt: int
    'Which attempt wrote it'
    at: str
    'When'
    text: str
    'What'

class LogLines(list):
    """Lines of a job's log, oldest first"""
    cut: int
    'How many lines in front of these are gone'

class Failure(NamedTuple):
    """Jobs of one type that failed for the same reason"""
    job_type: str
    'Their type'
    error: str
    'What `error_line` says of each'
    n: int
    'How many they are'
    first: str
    'When the first of them failed'
    last: str
    'When the last of them failed'
    example: str
    'The id of the newest'

class TypeTimes(NamedTuple):
    """How long the jobs of one type took that ended lately"""
    job_type: str
    'Their type'
    n: int
    'How many completed or failed'
    failed: int
    'How many of these failed'
    waited: tuple[Any, ...]
    'Seconds from due to start that half of them, and 95 % of them, needed at most'
    ran: tuple[Any, ...]
    'The same of the seconds that the last attempt took'

class Timings(NamedTuple):
    """What ended lately, and how long it took"""
    since: str
    'Nothing that ended earlier is in it'
    cut: bool
    'Is this later than was asked for, because so many have ended?'
    per: str
    "'minute' or 'hour'"
    buckets: dict[Any, Any]
    "By the start of a time in UTC, as in '2026-11-23T12:05': how many ended, by status"
    types: list[Any]
    '`TypeTimes`, by type'

class Some(list):
    """A list, and whether there was more than its bound"""
    cut: bool
    'Was there more?'

def timings(jobs: list[TenantJob], since: str, cut: bool, per: str) -> Timings:
    """How many jobs ended when, and how long those of each type took

    Args:
        jobs: Jobs that have ended
        since: Nothing that ended earlier is among them
        cut: Are these only the newest?
        per: 'minute' or 'hour'

    Returns:
        Buckets and types in order
    """

class Step(NamedTuple):
    """What a job has finished: a step, or how far a checkpoint is"""
    name: str
    'Unique within its job'
    kind: str
    "'step' or 'checkpoint'"
    at: str
    'When it was written'
    claim: str
    'The claim under which it was written'
    text: str
    'Its value, as JSON'

    @property
    def value(self) -> Any:
        """The value, decoded"""

class Batch(NamedTuple):
    """How far the jobs of a batch are; the job that follows isn't counted"""
    id: str
    'The id of the job that follows'
    counts: dict[Any, Any]
    'How many of them are in each status'
    failed: list[Any]
    'Ids of those that failed, in the order of submission, up to a limit'

    @property
    def total(self) -> int:
        """How many jobs it has"""

    @property
    def ended(self) -> int:
        """How many of them have ended"""

    def __str__(self) -> str: ...

class JobList(list):
    """A list of jobs that is displayed as a table in a notebook"""
    last: Any
    'Row number below which the next page starts, see `JobStore.find`'
    cut: bool
    "Were older rows left unread, after many that don't match?"
