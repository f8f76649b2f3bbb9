"""A run in words: the policy, the seed, the choices that differ from FIFO, the faults.

Plain data, written as one short line that a failure prints and a replay takes back. Nothing here
runs anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from ...errors import FluidValueError


class Policy(StrEnum):
    """Who may run next, when more than one callback is ready."""

    FIFO = "fifo"
    """The one that was scheduled first; timers are punctual, and those due at once keep the order
    in which they were set."""
    LEGAL = "legal"
    """The same, but the world is free where asyncio promises nothing: timers due at one instant
    come in any order and up to 20 ms late, jobs of executors and signals when they like. What fails
    here can fail in production."""
    SOURCE = "source"
    """Also, callbacks scheduled by different steps run in any order; those of one step keep theirs.
    What fails here, and not under LEGAL, depends on how many steps something takes: a ``sleep(0)``
    more, an ``await`` less, another event loop."""
    RANDOM = "random"
    """Any callback that is ready."""


MIX: tuple[Policy, ...] = (*(Policy.LEGAL,) * 5, *(Policy.SOURCE,) * 4, Policy.RANDOM)
"""How often each policy is taken unless you say otherwise.

Source: the failures that each found among planted bugs. LEGAL finds the most and never cries wolf,
SOURCE alone finds dependence on the number of steps, RANDOM is for what nobody thought of.
"""


@dataclass(frozen=True)
class Strike:
    """A fault, and the step before which it strikes."""

    fault: str
    """The name under which it was offered, or that of a built-in one."""
    step: int
    """The number of the step, counted from 0."""

    def __str__(self) -> str:
        return f"+{self.fault}@{self.step}"


@dataclass(frozen=True)
class Schedule:
    """Everything that decides how a run goes.

    As text it is one short line: ``fifo``, ``legal:17``, ``source:17/eager+stop@36``, or
    ``source:17[12=1,40=2]``.
    """

    policy: Policy = Policy.FIFO
    """Who may run next."""
    seed: int = 0
    """From which all that is random follows: the choices, and the streams of the scenario."""
    choices: tuple[tuple[int, int], ...] | None = None
    """None if the seed makes the choices. Otherwise pairs of the number of a choice and of what is
    taken; all other choices are those of FIFO."""
    strikes: tuple[Strike, ...] = ()
    """The faults."""
    eager: bool = False
    """Whether tasks begin to run inside ``create_task``. Needs Python 3.12."""

    def __str__(self) -> str:
        text = str(self.policy)
        if self.policy is not Policy.FIFO or self.seed:
            text += f":{self.seed}"
        if self.choices is not None:
            text += f"[{','.join(f'{number}={taken}' for number, taken in self.choices)}]"
        return f"{text}{'/eager' * self.eager}{''.join(map(str, self.strikes))}"

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Returns the schedule that ``text`` speaks of, as a report shows it.

        Raises:
            FluidValueError: If it speaks of none.
        """
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise FluidValueError(
                f"schedule {text!r} cannot be read: it has to look like "
                f"'legal:17', 'source:17[12=1]' or 'fifo+stop@36'"
            )
        return cls(
            policy=Policy(match["policy"]),
            seed=int(match["seed"] or 0),
            choices=None if match["choices"] is None else _choices(match["choices"]),
            strikes=tuple(
                Strike(fault, int(step)) for fault, step in _STRIKE.findall(match["rest"])
            ),
            eager=match["eager"] is not None,
        )


_STRIKE = re.compile(r"\+([^+@]+)@(\d+)")
_TEXT = re.compile(
    rf"(?P<policy>{'|'.join(Policy)})(?::(?P<seed>\d+))?"
    r"(?:\[(?P<choices>(?:\d+=\d+(?:,\d+=\d+)*)?)\])?(?P<eager>/eager)?"
    r"(?P<rest>(?:\+[^+@]+@\d+)*)"
)


def _choices(text: str) -> tuple[tuple[int, int], ...]:
    pairs = (pair.split("=") for pair in text.split(",") if pair)
    return tuple((int(number), int(taken)) for number, taken in pairs)


def stream(seed: int, name: str) -> Random:
    """Returns the random stream of that name.

    Streams are independent: a scenario that draws once more from its own does not reshuffle the
    schedule.
    """
    return Random(f"{seed}/{name}")


def policy_of(seed: int, policies: Iterable[Policy] = MIX) -> Policy:
    """Returns the policy that ``seed`` runs under; seed 0 is the plain FIFO run."""
    return stream(seed, "policy").choice([*policies]) if seed else Policy.FIFO
