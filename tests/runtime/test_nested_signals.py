"""A signal that interrupts the handler of another: Python runs one handler within the other."""

from __future__ import annotations

from collections.abc import Iterator
from signal import SIGINT, SIGTERM

import pytest

from fluid.runtime.signal_count import Request, SignalCount
from fluid.runtime.signals import Signals


class Interrupted(SignalCount):
    """Is interrupted by further signals while it counts."""

    def __init__(self, *others: int) -> None:
        super().__init__()
        self.others: Iterator[int] = iter(others)
        self.signals: Signals

    def is_same(self, number: int, now: float) -> bool:
        """Looks, and comes back to a world in which another signal was handled."""
        answer = super().is_same(number, now)
        for other in self.others:
            self.signals._handle(other, None)
        return answer


class Loop:
    """Does at once what it is asked to do."""

    def call_soon_threadsafe(self, function, *args):
        function(*args)


class Obedient:
    """Writes down what it has to do."""

    def __init__(self) -> None:
        self.requests: list[tuple[Request, int]] = []

    def obey(self, request: Request, number: int) -> None:
        self.requests.append((request, number))


@pytest.mark.parametrize(
    ("others", "requests"),
    [
        ([SIGTERM], [(Request.STOP, SIGTERM)]),
        ([SIGTERM] * 1000, [(Request.STOP, SIGTERM)]),
        ([SIGINT], [(Request.STOP, SIGTERM), (Request.FORCE, SIGINT)]),
        ([SIGTERM, SIGINT, SIGINT], [(Request.STOP, SIGTERM), (Request.FORCE, SIGINT)]),
    ],
    ids=["the same", "the same a thousand times", "another", "both"],
)
def test_each_is_counted_once_and_in_the_order_in_which_they_came(others, requests):
    """Z04: a flood counted as two requests where a copy came while the first was counted."""
    obedient, count = Obedient(), Interrupted(*others)
    signals = Signals(Loop(), obedient, lambda: None, None)
    signals.count, count.signals = count, signals
    signals._handle(SIGTERM, None)
    assert obedient.requests == requests
    assert count.repeated == (0 if len(requests) == 1 else requests[1][1])
