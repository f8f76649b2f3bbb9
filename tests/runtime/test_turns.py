"""What those who look on at a process hear of it: each turn once, in order, in every path."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from itertools import pairwise
from math import inf
from signal import SIGHUP, SIGINT, SIGTERM

import pytest

from fluid import Worker
from fluid.health import Phase
from fluid.runtime import signal_count
from fluid.runtime.onlookers.onlooker import Onlooker
from fluid.runtime.outside import Outside
from tests.runtime.playing import Life, Play, raises, said_by_the_runtime, sends, stop
from tests.worker.fakes import deaf_to

pytestmark = pytest.mark.real

STARTING, READY, NOT_READY, RESTARTING, STOPPING, ENDED = Phase
ONE_LIFE = ["start", "end"]
PREPARE = Outside.prepare


class Watcher(Onlooker):
    """Writes down what it is told, and what the workers were doing by then."""

    def __init__(self, outside: Outside) -> None:
        self.heard: list[Phase | str] = []
        self.running: list[tuple[Phase, bool]] = []
        self.outside = outside

    def turn(self, phase: Phase) -> None:
        worker, server = self.outside.health.worker, self.outside._server
        self.is_served = server is not None and server.has_started() and not server.is_stopped()
        self.heard.append(phase)
        self.running.append((phase, worker is not None and not worker._worker.is_closed()))

    def last_words(self, text: str, code: int) -> None:
        self.heard.append(f"{code} {text}".strip())

    def close(self) -> None:
        self.heard.append("closed")


@pytest.fixture
def play(factory, monkeypatch):
    """Returns a function that makes a process with somebody who looks on."""

    def look_on(outside):
        watchers.append(Watcher(outside))
        yield watchers[-1]

    def play(make, **settings):
        playing = Play(make, {"loop_factory": factory, **settings})
        playing.watchers = watchers
        return playing

    watchers = []
    monkeypatch.setattr(Outside, "_new_onlookers", look_on)
    return play


def heard(playing: Play) -> list[Phase | str]:
    """Runs a process, and returns what its onlooker has heard."""
    playing.run()
    (watcher,) = playing.watchers
    return watcher.heard


class Server(Worker):
    """Stands in for the HTTP server: does as it was told by a test."""

    def __init__(self, start=None, end=None) -> None:
        super().__init__(name="server", stopping_grace_period=30)
        self.start, self.end = start, end

    async def on_startup(self) -> None:
        if self.start is not None:
            await self.start(self)

    async def run(self) -> None:
        await self.sleep(inf)
        if self.end is not None:
            await self.end(self)


def serve(monkeypatch, start=None, end=None) -> Server:
    """Has every process have a server that does this when it starts and when it stops."""
    server = Server(start, end)

    async def open_it(outside):
        await server.startup()

    def prepare(outside):
        outside._server = server
        PREPARE(outside)

    monkeypatch.setattr(Outside, "open", open_it)
    monkeypatch.setattr(Outside, "prepare", prepare)
    return server


# --- each turn once, in order --------------------------------------------------------------------


def test_a_whole_life_is_heard_in_order(play):
    playing = play(lambda: Life(stop))
    assert heard(playing) == [STARTING, READY, STOPPING, ENDED, "0", "closed"]


def test_a_stop_is_heard_before_any_worker_is_asked(play):
    playing = play(lambda: Life(sends(SIGTERM)))
    heard(playing)
    assert (STOPPING, True) in playing.watchers[0].running


def test_each_restart_is_heard_once_and_so_is_its_end(play):
    worker = Life(sends(SIGHUP, SIGHUP), sends(SIGHUP), stop)
    again = [RESTARTING, READY]
    expected = [STARTING, READY, *again, *again, STOPPING, ENDED, "0", "closed"]
    assert heard(play(lambda: worker)) == expected


def test_a_start_that_fails_is_never_ready(play):
    class Broken(Life):
        async def on_startup(self):
            raise ValueError("no")

    words = "3 it did not start (ValueError: no)"
    assert heard(play(Broken)) == [STARTING, STOPPING, ENDED, words, "closed"]


def test_a_worker_that_cannot_be_made_is_never_ready(play):
    seen = heard(play(raises(ValueError("no"))))
    assert [each for each in seen if isinstance(each, Phase)] == [STARTING, STOPPING, ENDED]
    assert seen[-1] == "closed"


def test_a_stop_during_the_start_is_never_ready(play):
    class Slow(Life):
        async def on_startup(self):
            sends(SIGTERM)()
            await asyncio.sleep(inf)

    assert heard(play(Slow)) == [STARTING, STOPPING, ENDED, "0", "closed"]


def test_a_restart_that_fails_is_a_stop(play):
    class Failing(Life):
        async def on_startup(self):
            await super().on_startup()
            if self.diary.count("start") == 2:
                raise ValueError("no")

    worker = Failing(sends(SIGHUP), stop)
    words = "3 it did not start (ValueError: no)"
    expected = [STARTING, READY, RESTARTING, STOPPING, ENDED, words, "closed"]
    assert heard(play(lambda: worker)) == expected


def test_a_stop_during_a_restart_is_heard_and_nothing_is_ready_after_it(play):
    class Told(Life):
        async def on_shutdown(self):
            await super().on_shutdown()
            sends(SIGTERM)()

    worker = Told(sends(SIGHUP), stop)
    expected = [STARTING, READY, RESTARTING, STOPPING, ENDED, "0", "closed"]
    assert heard(play(lambda: worker)) == expected


def test_a_run_that_breaks_down_still_lets_go_of_those_who_look_on(play, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("fluid.runtime.process.Process._say_last_words", fail)
    playing = play(lambda: Life(stop))
    with pytest.raises(ZeroDivisionError):
        playing.process.run()
    assert playing.watchers[0].heard == [STARTING, READY, STOPPING, ENDED, "closed"]


# --- requests at odd moments ---------------------------------------------------------------------


def before_the_loop_runs(playing: Play, number: int) -> None:
    """Has a signal come when the signals are taken and the loop does not run yet."""
    take = playing.process._signals.take

    def take_and_send():
        take()
        signal.raise_signal(number)

    playing.process._signals.take = take_and_send


def test_a_stop_before_the_loop_runs_opens_nothing(play, monkeypatch):
    server = serve(monkeypatch)
    made = []
    playing = play(lambda: made.append(1))
    before_the_loop_runs(playing, SIGTERM)
    assert playing.run() == (0, "")
    assert (made, server.has_started(), playing.watchers) == ([], False, [])


def test_a_restart_before_the_loop_runs_makes_one_worker(play):
    made = []

    def make():
        made.append(Life(stop))
        return made[-1]

    playing = play(make)
    before_the_loop_runs(playing, SIGHUP)
    assert heard(playing) == [STARTING, READY, STOPPING, ENDED, "0", "closed"]
    assert len(made) == 1


def test_a_restart_while_the_server_starts_is_none_and_the_process_goes_on(
    play, monkeypatch, caplog
):
    async def hang_up(_):
        sends(SIGHUP)()
        await asyncio.sleep(0.01)

    caplog.set_level(logging.INFO, "fluid.runtime")
    serve(monkeypatch, start=hang_up)
    worker = Life(stop)
    playing = play(lambda: worker)
    assert heard(playing) == [STARTING, READY, STOPPING, ENDED, "0", "closed"]
    assert worker.diary == ONE_LIFE
    assert said_by_the_runtime(caplog, logging.INFO) == [
        "SIGHUP: app:main has not begun yet, so there is nothing to restart"
    ]


def test_a_restart_that_is_asked_for_while_the_worker_stops_by_itself_is_none(play, caplog):
    class Slow(Life):
        async def on_shutdown(self):
            await super().on_shutdown()
            sends(SIGHUP)()
            await asyncio.sleep(0.01)

    caplog.set_level(logging.INFO, "fluid.runtime")
    worker = Slow(stop, stop)
    playing = play(lambda: worker)
    assert heard(playing) == [STARTING, READY, STOPPING, ENDED, "0", "closed"]
    assert worker.diary == ONE_LIFE
    assert said_by_the_runtime(caplog, logging.INFO) == ["SIGHUP: life is on its way down already"]


def test_a_restart_that_is_asked_for_while_the_server_stops_is_none(play, monkeypatch, caplog):
    async def hang_up(_):
        sends(SIGHUP)()
        await asyncio.sleep(0.01)

    caplog.set_level(logging.INFO, "fluid.runtime")
    serve(monkeypatch, end=hang_up)
    assert play(lambda: Life(stop)).run() == (0, "")
    assert said_by_the_runtime(caplog, logging.INFO) == ["SIGHUP: life is on its way down already"]


def test_a_second_signal_takes_away_the_grace_of_the_server_too(play, monkeypatch):
    async def linger(_):
        sends(SIGINT)()
        await asyncio.sleep(30)

    serve(monkeypatch, end=linger)
    begun = time.monotonic()
    code, _ = play(lambda: Life(sends(SIGTERM))).run()
    assert code == 128 + SIGINT
    assert time.monotonic() - begun < 5


def test_the_deadline_runs_while_the_server_stops_whatever_ended_the_rest(play, monkeypatch):
    async def note(_):
        running.append(playing.has_to_end)

    running = []
    serve(monkeypatch, end=note)
    monkeypatch.setattr("fluid.runtime.process.arm_last_resort", lambda _: None)
    playing = play(raises(ValueError("no")), deadline=20.0)
    assert playing.run()[0] == 3
    assert running == [True]


@pytest.mark.parametrize(("act", "code"), [(stop, 0), (raises(ValueError("no")), 1)])
def test_a_server_that_refuses_to_end_holds_nobody_up_and_changes_no_code(
    play, monkeypatch, act, code
):
    def leave(code):
        left.append((code, playing.watchers[0].heard[-3:]))
        raise InterruptedError

    left = []
    monkeypatch.setattr("fluid.runtime.process.leave", leave)
    server = serve(monkeypatch, end=deaf_to(2))
    server._worker.grace, server.cancel_period = 0.0, 0.01
    playing = play(lambda: Life(act))
    with pytest.raises(InterruptedError):
        playing.process.run()
    words = str(code) if code == 0 else "1 it failed (ValueError: no)"
    assert left == [(code, [ENDED, words, "closed"])]


# --- requests at any moment ----------------------------------------------------------------------

REQUESTS = {
    "a stop": {0: SIGTERM},
    "a restart": {0: SIGHUP},
    "a stop after a restart": {0: SIGHUP, 2: SIGTERM},
    "a restart after a stop": {0: SIGTERM, 1: SIGHUP},
    "two stops": {0: SIGTERM, 3: SIGINT},
    "two restarts": {0: SIGHUP, 8: SIGHUP},
}
"""What comes, and how many steps of the loop after the first of it."""


class Stepping(asyncio.SelectorEventLoop):
    """Has signals come at the beginning of some of its steps."""

    def __init__(self, signals: dict[int, int]) -> None:
        super().__init__()
        self.signals = signals
        self.step = 0

    def _run_once(self) -> None:
        if self.step in self.signals:
            signal.raise_signal(self.signals[self.step])
        self.step += 1
        super()._run_once()


class Brief(Worker):
    """Works for some steps of the loop, and needs some to start and to end."""

    async def steps(self) -> None:
        for _ in range(3):
            await asyncio.sleep(0)

    on_startup = run = on_shutdown = steps


@pytest.mark.parametrize("what", REQUESTS)
@pytest.mark.parametrize("factory", ["its own loop"])
def test_whenever_a_request_comes_each_turn_is_heard_once_and_in_order(play, monkeypatch, what):
    monkeypatch.setattr(signal_count, "SAME_REQUEST_SECONDS", 0.0)
    signals = REQUESTS[what]
    for step in range(0, 30, 3):
        serve(monkeypatch, start=Brief.steps, end=Brief.steps)
        coming = {step + after: number for after, number in signals.items()}
        playing = play(lambda: Brief(name="app"), loop_factory=lambda: Stepping(coming))  # noqa: B023 - called at once
        code, _ = playing.run()
        assert code in {0, 128 + SIGINT if SIGINT in signals.values() else 0}
        for watcher in playing.watchers[-1:]:
            turns = [each for each in watcher.heard if isinstance(each, Phase)]
            once = (turns.count(STARTING), turns.count(STOPPING), turns.count(ENDED))
            assert (turns[0], turns[-2:], once) == (STARTING, [STOPPING, ENDED], (1, 1, 1))
            assert all(before is not after for before, after in pairwise(turns))
            assert watcher.heard.count("closed") == 1
            assert not watcher.is_served
