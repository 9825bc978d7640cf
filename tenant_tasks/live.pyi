# Made by tools/stubs.py from the module of the same name; do not edit
from .views import View
from fastcore.xml import FT
from typing import Any

__all__ = ['page_files', 'state_token', 'live_attrs', 'gone', 'file_version', 'asked_parts', 'changed_parts',
    'script_words', 'PageFiles']

page_files: dict[str, str]

def state_token(*values: Any) -> str:
    """What a part shows, as a short text that gives nothing away

    Args:
        values: All that decides what a part shows

    Returns:
        The same as long as they are, in this process and its children
    """

def live_attrs(view: View, part: str, token: str, every: float | None=None) -> dict[Any, Any]:
    """Attributes of an element that the script of the pages keeps up to date

    Args:
        view: Who looks
        part: What the part is: its kind, and after a colon what it is about
        token: What it shows, as a `state_token`
        every: Seconds between two requests; None if it moves no more by itself

    Returns:
        Attributes
    """

def gone(part: str) -> FT:
    """What takes the place of a part that there is no more

    Args:
        part: A part that the page has
    """

def file_version(path: str) -> str:
    """The version of a database: the same as long as nothing is written to it, for a minute at most

    Args:
        path: A database file, or '' for a database in memory

    Returns:
        '' if it can't be told
    """

def asked_parts(params: Any, most: int=100) -> list[Any]:
    """The parts that a page asks for

    Args:
        params: Parameters of a request, as Starlette has them
        most: How many at most

    Returns:
        For each part what it is, and the token that the page has
    """

def changed_parts(asked: list[Any], kinds: dict[Any, Any]) -> str:
    """What a page doesn't have yet

    Args:
        asked: Parts and tokens, as `asked_parts` returns them
        kinds: For each kind of parts, from what the part is about and its token to an element or None

    Returns:
        HTML of the parts that have changed
    """

def script_words() -> str:
    """The texts that the script of the pages needs

    Returns:
        JavaScript
    """

class PageFiles:
    """The elements that name the stylesheet and the script"""
    base: str

    def __init__(self, base: str) -> None:
        """Args:
            base: Address below which the app serves them
        """

    def served(self) -> dict[Any, Any]:
        """The files by kind, and their version; made once, with the words as they are then"""

    def address(self, kind: str) -> str:
        """The address of a file, without what the app is mounted below

        Args:
            kind: 'css' or 'js'
        """

    def __ft__(self) -> Any: ...

    def below(self, root: str) -> None:
        """Remember what the app is mounted below, for the rest of the request

        Args:
            root: As `root_path` in the scope of a request
        """

    def headers(self, kind: str) -> dict[Any, Any]:
        """The headers of a file

        Args:
            kind: 'css' or 'js'
        """
