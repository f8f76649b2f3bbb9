"""Whether a module is being imported for its worker: ``fluid.run()`` must not run in there.

A program that has no ``if __name__ == "__main__":`` around its last line would otherwise live its
whole life inside an import, with neither the options nor the log that ``fluid run`` was given.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import FluidError

_module: str = ""
"""The module that is being imported; none if empty."""


@contextmanager
def importing(module: str) -> Iterator[None]:
    """Marks the time in which ``module`` is imported."""
    global _module
    before, _module = _module, module
    try:
        yield
    finally:
        _module = before


def refuse_in_import() -> None:
    """Refuses to run a worker while its module is being imported.

    Raises:
        FluidError: If one is.
    """
    if _module:
        raise FluidError(
            f"fluid.run() was called while module {_module!r} is imported, to be run by the "
            f"command line; put that call under  if __name__ == '__main__':"
        )
