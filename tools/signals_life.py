"""One process of ``make signals``: it is begun, killed by plan, and watched to its end."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from math import inf
from pathlib import Path
from random import Random
from typing import NamedTuple

from .signals_marks import PIPE
from .signals_outside import Lookout, outside_of
from .signals_records import Life, Outside, Sent
from .signals_rules import KINDS, Kind

ROOT = Path(__file__).parents[1]
GRACE = 0.3
"""The grace of all workers."""
BEAT = 0.02
"""Seconds from one look at the machine to the next."""
LIMIT = 30.0
"""Seconds after which a process is killed that nothing else could end."""

LONG = {"": 0.25, "ready": 0.2}
"""Seconds that some phases take, which a signal may come in; the others are short."""

LOOPS = ("asyncio", "uvloop") if find_spec("uvloop") else ("asyncio",)
NUMBERS = (signal.SIGTERM, signal.SIGINT)


class Shot(NamedTuple):
    """A signal that is to be sent."""

    number: signal.Signals
    after: str | None
    """The mark after which; None for the signal before."""
    delay: float
    """Seconds from then."""


class Case(NamedTuple):
    """One process, and what is to become of it."""

    seed: int
    kind: Kind
    loop: str
    shots: tuple[Shot, ...]
    outside: Outside = Outside()

    def __str__(self) -> str:
        shots = ", ".join(
            f"{shot.number.name} {shot.delay:.3f} s after "
            f"{'the last' if shot.after is None else shot.after or 'its exec'}"
            for shot in self.shots
        )
        outside = f" ({self.outside})" if any(self.outside) else ""
        return f"{self.kind.name} on {self.loop}{outside}: {shots}"


def case_of(seed: int, kinds: Sequence[Kind] = KINDS) -> Case:
    """Returns the case that belongs to a seed; each kind comes in turn, on each loop."""
    chance = Random(seed)
    turn, place = divmod(seed, len(kinds))
    kind = kinds[place]
    mark = chance.choice(kind.marks)
    first = Shot(signal.SIGTERM, mark, chance.uniform(0, LONG.get(mark, 0.04)))
    shots = (first, *_more(chance, first))
    return Case(seed, kind, LOOPS[turn % len(LOOPS)], shots, outside_of(chance))


def _more(chance: Random, last: Shot) -> Iterator[Shot]:
    """Yields a second shot, and a third, now and then.

    None comes about half a second after another of its kind: whether it would count is a matter of
    how busy the machine is.
    """
    for share in 0.33, 0.5:
        if chance.random() > share:
            return
        number = chance.choice(NUMBERS)
        if number is last.number:
            delay = chance.choice((chance.uniform(0, 0.2), chance.uniform(0.7, 0.8)))
        else:
            delay = chance.choice((chance.uniform(0, 0.02), chance.uniform(0.02, 0.3)))
        last = Shot(number, None, delay)
        yield last


class Pulse:
    """A thread that should wake up many times a second, and notes how late the machine lets it."""

    def __init__(self) -> None:
        self._late: deque[tuple[float, float]] = deque(maxlen=10_000)
        self._is_over: threading.Event = threading.Event()
        self._thread: threading.Thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _beat(self) -> None:
        before = time.monotonic()
        while not self._is_over.wait(BEAT):
            now = time.monotonic()
            self._late.append((now, now - before - BEAT))
            before = now

    def late_since(self, began: float) -> float:
        """Returns the longest that anybody had to wait for a processor since then."""
        return max((late for at, late in [*self._late] if at >= began), default=0.0)


# --- its life ------------------------------------------------------------------------------------


def live(case: Case, deadline: float, cache: str) -> Life:
    """Runs one process, kills it, and returns what became of it."""
    ours, theirs = os.pipe()
    with tempfile.TemporaryFile("w+") as errors, tempfile.TemporaryDirectory() as folder:
        lookout = Lookout(case.outside, folder)
        command = [
            *(sys.executable, "-m", "fluid", "run", f"tools.signals_cast:{case.kind.name}"),
            *("--deadline", str(deadline), "--loop", case.loop, *lookout.options),
        ]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(cache, theirs) | lookout.variables,
            pass_fds=(theirs,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        os.close(theirs)
        lookout.begin()
        try:
            marks, sent = _shoot(process, case.shots, ours)
            gone_at = time.monotonic()
        finally:
            os.close(ours)
            process.kill()
            code = process.wait()
            sights = lookout.end()
        errors.seek(0)
        return Life(code, gone_at, marks, tuple(sent), errors.read(), case.outside, sights)


def environment(cache: str, descriptor: int) -> dict[str, str]:
    """Returns the variables of a process: the bytecode of all comes from one place."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("FLUID_")}
    return {
        **ours,
        PIPE: str(descriptor),
        "FLUID_STOPPING_GRACE_PERIOD": str(GRACE),
        "PYTHONPYCACHEPREFIX": cache,
        "PYTHONDONTWRITEBYTECODE": "",
    }


def _shoot(
    process: subprocess.Popen[bytes], shots: Sequence[Shot], pipe: int
) -> tuple[dict[str, float], list[Sent]]:
    """Sends the signals, each in its time; returns the marks, and what was sent, at the end."""
    marks: dict[str, float] = {}
    sent: list[Sent] = []
    seen = {"": time.monotonic()}
    ends_at = seen[""] + LIMIT
    waiting = list(shots)
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while (now := time.monotonic()) < ends_at:
            due = _due(waiting, seen, sent)
            if now >= due:
                if process.poll() is None:
                    sent.append(Sent(waiting[0].number, now))
                    process.send_signal(waiting[0].number)
                del waiting[0]
            elif selector.select(min(due, ends_at) - now):
                data = os.read(pipe, 4096)
                if not data:  # nobody has the other end any more: it is gone
                    break
                for line in data.decode().splitlines():
                    word, at = line.split()
                    marks[word] = float(at)
                    seen[word] = time.monotonic()
    return marks, sent


def _due(waiting: Sequence[Shot], seen: dict[str, float], sent: Sequence[Sent]) -> float:
    """Returns when the next shot is to be fired; never, if what it waits for has not been yet."""
    if not waiting:
        return inf
    after, delay = waiting[0].after, waiting[0].delay
    if after is not None:
        return seen.get(after, inf) + delay
    return sent[-1].at + delay if sent else -inf
