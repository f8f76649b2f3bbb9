"""Where things are on this machine."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

DATABASE_VARIABLE = "CODESEARCH_DB"
"""The variable of the environment that names the index."""


def standard_library() -> Path:
    """Returns the folder of the running interpreter's standard library."""
    return Path(sysconfig.get_path("stdlib"))


def default_database() -> Path:
    """Returns the place of the index, unless an option names it.

    That is in the user's cache, because it can be made again.
    """
    if named := os.environ.get(DATABASE_VARIABLE):
        return Path(named)
    match sys.platform:
        case "darwin":
            caches = Path.home() / "Library" / "Caches"
        case "win32":
            caches = Path(os.environ.get("LOCALAPPDATA") or Path.home())
        case _:
            caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "fluid-codesearch" / "index.db"
