"""Planted bugs, each beside its repair, and the policies that find it.

A scenario takes the class that has the bug or the one that mends it. None of this is fluid's: what
is tested is whether the explorer finds what people write.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

from fluid.testing import Policy
from tests.testing import planted_handovers as handovers
from tests.testing import planted_lifecycles as lifecycles


@dataclass(frozen=True)
class Planted:
    """A bug, its repair, and the policies that find it."""

    name: str
    scenario: Callable[[Any], Coroutine[Any, Any, None]]
    bug: type
    repair: type
    found_by: frozenset[Policy]

    @property
    def broken(self) -> Callable[[], Coroutine[Any, Any, None]]:
        """The scenario with the bug."""
        return partial(self.scenario, self.bug)

    @property
    def mended(self) -> Callable[[], Coroutine[Any, Any, None]]:
        """The scenario without it."""
        return partial(self.scenario, self.repair)


ALWAYS = frozenset(Policy)
FREE_WORLD = ALWAYS - {Policy.FIFO}
STEPS = frozenset({Policy.SOURCE, Policy.RANDOM})

BUGS = (
    Planted(
        "lost item",
        handovers.an_item_is_done_or_still_there,
        handovers.Forgetful,
        handovers.Careful,
        FREE_WORLD,
    ),
    Planted(
        "orphan",
        lifecycles.nothing_lives_when_all_has_stopped,
        lifecycles.HastyGroup,
        lifecycles.PatientGroup,
        FREE_WORLD,
    ),
    Planted(
        "missed wake-up",
        handovers.whoever_waits_is_woken,
        handovers.DeafBuffer,
        handovers.AttentiveBuffer,
        ALWAYS,
    ),
    Planted(
        "double restart",
        lifecycles.at_most_one_is_running,
        lifecycles.TwiceStarted,
        lifecycles.OnceStarted,
        ALWAYS,
    ),
    Planted(
        "time-out and result",
        handovers.no_connection_is_lost,
        handovers.LeakyPool,
        handovers.TightPool,
        FREE_WORLD,
    ),
    Planted(
        "ready before started",
        lifecycles.started_comes_first,
        lifecycles.EagerService,
        lifecycles.ModestService,
        STEPS,
    ),
    Planted(
        "three steps",
        handovers.what_is_read_was_written,
        handovers.Punctual,
        handovers.Waiting,
        STEPS,
    ),
    Planted(
        "restart after stop",
        lifecycles.what_was_stopped_stays_so,
        lifecycles.Undead,
        lifecycles.Dead,
        ALWAYS,
    ),
)
"""Failing seeds of 500, by fifo, legal, source and random:

====================  ====  =====  ======  ======
lost item                0    119     130     130
orphan                   0    247     245     257
missed wake-up         500    500     368     368
double restart         500    500     177     187
time-out and result      0    247     114     114
ready before started     0      0     255     125
three steps              0      0      74     117
restart after stop     500    500     500     500
====================  ====  =====  ======  ======
"""
