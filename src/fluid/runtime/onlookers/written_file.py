"""A small file that is put in place as a whole, kept fresh, and taken away."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_CREATE: int = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
"""Not what others have put there before: in a folder that all may write to, it may be a trap."""


class WrittenFile:
    """The file; nothing is there before the first :meth:`put`.

    Every method may block as long as the disk does.

    Args:
        path: Where it is to be; the process may change its directory.
    """

    def __init__(self, path: str) -> None:
        self._path: Path = Path(path).absolute()
        self._data: bytes | None = None
        """What is in it, as far as we know."""

    def put(self, data: bytes) -> None:
        """Makes ``data`` what is in it. Nobody ever reads half of it.

        Raises:
            OSError: If it cannot be written; then it is as before.
        """
        new = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        new.unlink(missing_ok=True)  # of a process that had our id
        try:
            with os.fdopen(os.open(new, _CREATE, 0o644), "wb") as file:
                file.write(data)
            new.replace(self._path)
        except BaseException:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            raise
        self._data = data

    def touch(self) -> bool:
        """Makes the present the time of its last change, at a tenth of the price of a new one.

        Returns:
            Whether it is still there.

        Raises:
            OSError: If that cannot be done.
        """
        try:
            os.utime(self._path, follow_symlinks=False)
        except FileNotFoundError:  # somebody has tidied up
            return False
        return True

    def remove(self) -> None:
        """Takes it away, unless somebody has put something else there.

        Raises:
            OSError: If it cannot be removed.
        """
        with suppress(FileNotFoundError):
            if self._path.read_bytes() == self._data:
                self._path.unlink()
