"""What was observed, where and with which versions: plain data, kept in a file beside the page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..page import FOLDER
from .rows import Row

FILE = FOLDER / "behaviour.json"


@dataclass(frozen=True, slots=True)
class Observation:
    """What a script has said."""

    expected: str
    """What one expects."""
    observed: str
    """What was observed this time."""
    as_expected: bool
    """Whether that is the same."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The same thing with the other system, and with fluid."""

    theirs: Observation
    ours: Observation


Pairs = dict[str, Pair]
"""What was observed, by the names of the other systems' scripts."""


@dataclass(frozen=True, slots=True)
class Record:
    """All that was observed, and where."""

    machine: str
    """The machine, in one line."""
    python: str
    """The Python of all environments."""
    versions: dict[str, str]
    """The version of each system that its environment has."""
    pairs: Pairs

    def pair(self, row: Row) -> Pair:
        """Returns what was observed for a row."""
        return self.pairs[row.theirs.stem]

    def as_text(self) -> str:
        """Returns all of it as JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_text(cls, text: str) -> Record:
        """Returns what ``as_text`` has told."""
        data: Mapping[str, Any] = json.loads(text)
        pairs = {
            name: Pair(Observation(**pair["theirs"]), Observation(**pair["ours"]))
            for name, pair in data["pairs"].items()
        }
        return cls(data["machine"], data["python"], data["versions"], pairs)

    @classmethod
    def read(cls, path: Path = FILE) -> Record:
        """Returns the record that the page is rendered from."""
        return cls.from_text(path.read_text(encoding="utf-8"))
