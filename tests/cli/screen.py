"""A terminal for tests: what is written to it can be read off as somebody in front of it would."""

from __future__ import annotations

import io
import re

PIECES = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


class Screen(io.StringIO):
    """Understands as much of a terminal's language as rich speaks here.

    Args:
        columns: Characters in a row; what is longer goes on in the next row.
    """

    def __init__(self, columns: int = 80) -> None:
        super().__init__()
        self.columns: int = columns
        self.broken: OSError | None = None
        """What is raised by a write."""
        self._rows: list[str] = [""]
        self._row: int = 0
        self._column: int = 0

    @property
    def rows(self) -> list[str]:
        """What is to be seen, without the empty rows at the end."""
        rows = [row.rstrip() for row in self._rows]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self.broken is not None:
            raise self.broken
        for parameter, command, move, plain in PIECES.findall(text):
            if command:
                self._obey(command, parameter)
            elif move:
                self._column = 0
                self._row += move == "\n"
            for char in plain:
                self._put(char)
            self._rows += [""] * (self._row + 1 - len(self._rows))
        return super().write(text)

    def _put(self, char: str) -> None:
        if self._column == self.columns:
            self._row, self._column = self._row + 1, 0
            self._rows += [""] * (self._row + 1 - len(self._rows))
        row = self._rows[self._row].ljust(self._column)
        self._rows[self._row] = row[: self._column] + char + row[self._column + 1 :]
        self._column += 1

    def _obey(self, command: str, parameter: str) -> None:
        row = self._rows[self._row]
        match command, parameter:
            case "A", _:
                self._row = max(0, self._row - int(parameter or 1))
            case "K", "2":
                self._rows[self._row] = ""
            case "K", _:
                self._rows[self._row] = row[: self._column]
            case "m", _:
                pass
            case _:
                raise AssertionError(f"the screen does not know ESC[{parameter}{command}")
