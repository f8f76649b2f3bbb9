"""What is written down about a process that ``make signals`` kills, for whoever judges it. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Sent(NamedTuple):
    """A signal that was sent."""

    number: int
    at: float


class Outside(NamedTuple):
    """What a process shows of itself, and how long it works on for those who look."""

    http: bool = False
    file: bool = False
    systemd: bool = False
    drain_delay: float = 0.0

    def __str__(self) -> str:
        shown = [name for name in ("http", "file", "systemd") if getattr(self, name)]
        if self.drain_delay:
            shown.append(f"drain delay {self.drain_delay:g} s")
        return ", ".join(shown)


class Answer(NamedTuple):
    """What ``/readyz`` was answered."""

    asked_at: float
    answered_at: float
    status: int


class Sights(NamedTuple):
    """What there was to be seen of a process."""

    told: tuple[str, ...] = ()
    """What systemd was told."""
    answers: tuple[Answer, ...] = ()
    left: tuple[str, ...] = ()
    """The files that there still are, when it is gone."""
    is_taken_for_live: bool = False
    """Whether ``fluid health`` would still say so."""


class Life(NamedTuple):
    """What became of a process."""

    code: int
    """Its exit code; -n if signal n killed it."""
    gone_at: float
    marks: dict[str, float]
    """When it came how far."""
    sent: tuple[Sent, ...]
    """The signals, while it was there."""
    errors: str = ""
    """What it has written to stderr."""
    asked: Outside = Outside()
    sights: Sights = Sights()
