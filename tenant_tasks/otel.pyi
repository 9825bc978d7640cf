# Made by tools/stubs.py from the module of the same name; do not edit
from .process import Process
from typing import Any

__all__ = ['instrument']

def instrument(provider: Any=None, process: Process=...) -> None:
    """Trace the jobs that this process submits and runs; needs `opentelemetry-api`, as `tenant_tasks[otel]` installs it

    Args:
        provider: A `TracerProvider`; the global one if not given
        process: Whose jobs; another one only in tests
    """
