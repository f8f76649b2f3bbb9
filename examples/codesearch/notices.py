"""What has changed below some folders, as the operating system tells it, by way of watchfiles."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Sequence
from pathlib import Path

from watchfiles import Change

# What `awatch` is built on. That begins to listen when it is first waited for, which is too late
# for whoever has looked at the folders before.
from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

STEP_MS = 50
"""Changes are told when no other has come for so long. A stop is seen as soon."""
LONGEST_MS = 1600
"""But they are told after this time, even if there is no end to them."""

WAY_OUT = "if it is the limit of inotify, raise it:  sysctl fs.inotify.max_user_watches=524288"


class Notices:
    """Listens from the moment that it is made, and keeps what it hears until it is asked.

    Args:
        folders: Absolute paths; everything below them counts.

    Raises:
        FileNotFoundError: If one of them is not a folder.
        OSError: If they cannot be watched.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        check(folders)
        self._folders = {str(folder) for folder in folders}
        self._lost: set[str] = set()
        self._is_over = threading.Event()
        polls = bool(os.environ.get("WATCHFILES_FORCE_POLLING"))  # for disks in a network
        try:
            self._notify = RustNotify([*self._folders], False, polls, 300, True, True)
        except (OSError, WatchfilesRustInternalError) as error:
            names = ", ".join(sorted(self._folders))
            raise OSError(f"cannot watch {names}: {error}; {WAY_OUT}") from error

    async def wait(self) -> set[str]:
        """Waits for changes, and returns the paths of all files and folders that have changed.

        Raises:
            FileNotFoundError: If one of the folders was deleted or moved, which has been told by
                then. Another one of that name would have to be watched anew.
            OSError: If the operating system or watchfiles has failed.

        Cancellation: It is of no more use.
        """
        if self._lost:
            names = ", ".join(sorted(self._lost))
            raise FileNotFoundError(f"{names} was watched, and has been deleted or moved")
        try:
            told = await asyncio.to_thread(
                self._notify.watch, LONGEST_MS, STEP_MS, 0, self._is_over
            )
        except WatchfilesRustInternalError as error:
            raise OSError(f"{error}; {WAY_OUT}") from error
        except asyncio.CancelledError:
            self._is_over.set()
            raise
        assert not isinstance(told, str)
        self._lost = {path for change, path in told if change == Change.deleted} & self._folders
        return {path for _, path in told}


def check(folders: Sequence[Path]) -> None:
    """Refuses what cannot be watched.

    A file cannot: editors replace it by another one, and then nobody hears of it again.

    Raises:
        FileNotFoundError: If one of them is not a folder.
    """
    for folder in folders:
        if not folder.is_dir():
            raise FileNotFoundError(f"there is no folder {folder} to watch")
