# Made by tools/stubs.py from the module of the same name; do not edit
from .job import TenantJob
from typing import Any

__all__ = ['mask', 'max_secrets', 'max_secret_chars', 'withheld', 'looks_secret', 'read_json', 'hide_secrets',
    'hide_in_texts', 'repeats']

mask: str
max_secrets: int
max_secret_chars: int
withheld: str

def looks_secret(key: str, more: tuple[Any, ...]=...) -> bool:
    """Does this key look like the name of a secret?

    Args:
        key: A key of a payload
        more: More keys that are secret in this app

    Returns:
        Should its value be masked?
    """

def read_json(text: str | None) -> Any:
    """Decode the JSON of a row for display; never fails

    Args:
        text: JSON from a row

    Returns:
        The value, or a note on the length of a text that isn't JSON
    """

def hide_secrets(job: TenantJob, more: tuple[Any, ...]=...) -> TenantJob:
    """A job without the secrets of its payload and result

    Args:
        job: A job as read from its row
        more: More keys that are secret in this app

    Returns:
        A copy to show
    """

def hide_in_texts(texts: list[str], job: TenantJob, more: tuple[Any, ...]=...) -> list[str] | None:
    """Texts without the secrets of a job and without their own

    Args:
        texts: Texts that go with a job
        job: The job as read from its row
        more: More keys that are secret in this app

    Returns:
        Copies to show; None if there are too many secrets to search for
    """

def repeats(text: str, *texts: str | None) -> bool:
    """Could `text` hold a secret that is in one of `texts`?

    Args:
        text: A text that a page shows
        texts: Texts that may hold secrets

    Returns:
        True for a long text too
    """
