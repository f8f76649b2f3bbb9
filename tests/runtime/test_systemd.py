"""What systemd hears of a process, and when."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from contextlib import asynccontextmanager
from itertools import pairwise
from math import inf
from signal import SIGHUP, SIGTERM

import pytest

from fluid import QueueConsumerWorker, Worker, Workers
from fluid.health import Health, Phase, Report
from fluid.runtime.onlookers.systemd import (
    EXTENSION,
    LONGEST_STATUS,
    Supervision,
    Systemd,
    take_over,
)
from fluid.runtime.progress import Progress
from fluid.runtime.stages import DRAINING, STARTING, STOPPING, Stage, Waiting
from tests.contract.cast import Deaf, Idle
from tests.runtime.playing import Life, Play, said_by_the_runtime, sends, stop
from tests.runtime.service_manager import Manager, Minutes

PID = 4711
FULL_TURN = [Phase.STARTING, Phase.READY, Phase.RESTARTING, Phase.READY, Phase.STOPPING]


@asynccontextmanager
async def supervised(worker=None, *, watchdog=inf, phase=Phase.STARTING):
    """Runs what tells systemd, from the start of a process to its end."""
    systemd = Systemd(
        Health(worker, "app"), asyncio.get_running_loop(), Minutes(), watchdog=watchdog
    )
    systemd.minutes = systemd._notifier
    systemd.turn(Phase.STARTING)
    if phase is not Phase.STARTING:
        systemd.turn(phase)
    try:
        yield systemd
    finally:
        systemd.turn(Phase.ENDED)


def now():
    return asyncio.get_running_loop().time()


def gaps(times):
    return [after - before for before, after in pairwise(times)]


def block(seconds):
    """Blocks the loop, and returns when that is over."""
    time.sleep(seconds)
    return time.monotonic()


# --- what the environment asks for ---------------------------------------------------------------

ENVIRONMENTS = {
    "a socket": ({}, inf),
    "a watchdog": ({"WATCHDOG_USEC": "30000000"}, 30.0),
    "a watchdog for this process": ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": "4711"}, 0.5),
    "a watchdog for another": ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "4712"}, inf),
    "nothing in it": ({"WATCHDOG_USEC": "", "WATCHDOG_PID": ""}, inf),
}


@pytest.mark.parametrize(("variables", "watchdog"), ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_what_systemd_asks_for_is_taken_over_and_out_of_the_environment(
    variables, watchdog, caplog
):
    """H09"""
    environ = {"HOME": "/", "NOTIFY_SOCKET": "/run/notify", **variables}
    assert take_over(environ, PID) == Supervision("/run/notify", watchdog)
    assert environ == {"HOME": "/"}
    assert said_by_the_runtime(caplog) == []


BAD_WATCHDOGS = [
    *({"WATCHDOG_USEC": text} for text in ("0", "-1", "3s", "1e6", "٣", "9" * 30, "\n")),
    *({"WATCHDOG_USEC": "1000", "WATCHDOG_PID": text} for text in ("0", "-4711", "me", "9" * 5000)),
]


@pytest.mark.parametrize("variables", BAD_WATCHDOGS)
def test_a_watchdog_that_makes_no_sense_is_ignored_with_one_warning(variables, caplog):
    """H09"""
    environ = {"NOTIFY_SOCKET": "@notify", **variables}
    assert take_over(environ, PID) == Supervision("@notify", inf)
    (line,) = said_by_the_runtime(caplog)
    assert line.startswith("systemd's watchdog gets no pings: WATCHDOG_USEC is '")
    assert len(line) < 3000


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"WATCHDOG_USEC": "1000000"}])
def test_where_nobody_listens_there_is_nothing_to_take_over(environ, caplog):
    """H08"""
    caplog.set_level(logging.DEBUG, "fluid.runtime")
    before = dict(environ)
    assert take_over(environ, PID) is None
    assert environ == before
    assert not caplog.records


@pytest.mark.parametrize("address", ["vsock:2:1234", "vsock-stream:2:1234", "notify", "@"])
def test_a_socket_of_another_kind_is_left_to_others_with_a_line_for_who_debugs(address, caplog):
    """H08"""
    caplog.set_level(logging.DEBUG, "fluid.runtime")
    environ = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000000"}
    assert take_over(environ, PID) is None
    assert len(environ) == 2
    assert said_by_the_runtime(caplog, logging.DEBUG) == [
        f"NOTIFY_SOCKET {address} is not for fluid"
    ]


# --- where the tree is ---------------------------------------------------------------------------


async def test_each_turn_is_told_by_its_word_and_in_order():
    """H08"""
    async with supervised() as systemd:
        for phase in FULL_TURN[1:]:
            systemd.turn(phase)
    words = [text.partition("\n")[0] for _, text in systemd.minutes.said]
    assert [word for word in words if not word.startswith(("STATUS", "EXTEND"))] == [
        "READY=1",
        "RELOADING=1",
        "READY=1",
        "STOPPING=1",
    ]


async def test_nothing_says_ready_but_the_turn_to_it():
    """H08"""
    worker = Workers(Idle(), name="app")
    async with supervised(worker) as systemd:
        async with worker:
            await asyncio.sleep(5)
        systemd.turn(Phase.STOPPING)
        systemd.last_words("it did not start (ValueError: no)", 3)
    assert systemd.minutes.times_of("STOPPING") == [5.0]
    assert systemd.minutes.times_of("READY") == []


@pytest.mark.real
async def test_a_reload_is_told_with_the_time_at_which_it_begins():
    """H08"""
    before = time.clock_gettime(time.CLOCK_MONOTONIC)
    async with supervised(phase=Phase.RESTARTING) as systemd:
        (text,) = systemd.minutes.lines("MONOTONIC_USEC")
    after = time.clock_gettime(time.CLOCK_MONOTONIC)
    assert before - 1e-5 <= int(text) / 1e6 <= after + 1e-5
    (message,) = (text for _, text in systemd.minutes.said if text.startswith("RELOADING"))
    assert message.split("\n")[1].startswith("MONOTONIC_USEC=")


# --- how it is, in a line ------------------------------------------------------------------------


async def test_the_status_is_told_once_as_long_as_it_does_not_change():
    worker = Workers(Idle(), Idle(name="other"), name="app")
    async with supervised(worker) as systemd, worker:
        systemd.turn(Phase.READY)
        await asyncio.sleep(60)
    assert systemd.minutes.lines("STATUS")[:2] == ["starting", "ready, 3 workers"]
    assert len(systemd.minutes.times_of("STATUS")) == 2  # and at the end


async def test_a_change_is_told_within_a_second():
    worker = Workers(Idle(), name="app")
    async with supervised(worker) as systemd, worker:
        systemd.turn(Phase.READY)
        await asyncio.sleep(10.5)
        begun = now()
        systemd._health.leaving = Phase.STOPPING
        await asyncio.sleep(1)
        assert systemd.minutes.lines("STATUS")[-1] == "stopping"
        assert systemd.minutes.times_of("STATUS")[-1] - begun <= 1


@pytest.mark.parametrize("name", ["x" * 1000, "\n" * 300, "a\nREADY=1\nMAINPID=1", "\x1b[2J"])
async def test_a_status_is_one_line_of_bounded_length(name):
    stage = Stage(STARTING, "app", 1.0, inf, (Waiting(name, "on_startup", 1.0, ()),))
    async with supervised() as systemd:
        systemd.stage(stage)
        await asyncio.sleep(1)
        systemd.stage(Stage(STARTING, "app", 1.0, inf, (), is_over=True))
        systemd.last_words(name, 1)
    for _, text in systemd.minutes.said:
        assert text.startswith(("STATUS", "EXTEND"))
        assert text.isprintable()
        assert len(text) <= len("STATUS=") + LONGEST_STATUS


STAGES = {
    "starting for 1 s: app/a in on_startup": (STARTING, inf, "a"),
    "stopping for 1 of at most 17 s: app/a in run, app/b in run": (STOPPING, 17.0, "ab"),
    "stopping for 1 of at most 17 s: app/a in run, app/b in run, app/c in run, 2 more": (
        STOPPING,
        17.0,
        "abcde",
    ),
    "draining for 1 of at most 5 s": (DRAINING, 5.0, ""),
}


@pytest.mark.parametrize(("status", "stage"), STAGES.items(), ids=STAGES)
async def test_a_start_or_a_stop_says_whom_it_waits_for(status, stage):
    verb, bound, names = stage
    hook = "on_startup" if verb == STARTING else "run"
    waiting = tuple(Waiting(f"app/{name}", hook, 1.0, ()) for name in names)
    async with supervised() as systemd:
        systemd.stage(Stage(verb, "app", 1.0, bound, waiting))
        await asyncio.sleep(1)
    assert status in systemd.minutes.lines("STATUS")


@pytest.mark.parametrize(
    ("text", "code", "status"),
    [("", 0, "exit code 0"), ("app/db failed (OSError: no)", 1, None), ("", 7, "exit code 7")],
)
async def test_the_last_status_says_why_the_process_has_ended(text, code, status):
    async with supervised() as systemd:
        pass
    systemd.last_words(text, code)
    expected = status or f"exit code {code}: {text}"
    assert systemd.minutes.lines("STATUS")[-1] == expected


# --- more time -----------------------------------------------------------------------------------


@asynccontextmanager
async def told_of_stages(worker, **options):
    """Tells systemd of the stages that ``begin`` of what this yields begins."""
    async with supervised(worker, **options) as systemd:
        systemd.period = 0.25
        systemd.progress = Progress(asyncio.get_running_loop(), systemd)
        try:
            yield systemd
        finally:
            systemd.progress.end()


def extensions(systemd):
    """Returns when more time was asked for, before the end."""
    return [time for time in systemd.minutes.times_of("EXTEND_TIMEOUT_USEC") if time < now()]


async def test_a_stop_within_its_bound_asks_for_more_time_each_second_until_it_is_over():
    """H10"""
    worker = Workers(Deaf(stopping_grace_period=60.0), name="app")
    async with told_of_stages(worker, phase=Phase.READY) as systemd:
        async with worker:
            await asyncio.sleep(5)
            assert extensions(systemd) == []
            worker.gracefully_stop()
            systemd.turn(Phase.STOPPING)
            systemd.progress.begin(worker, STOPPING, worker.worker_stop_bound)
        systemd.progress.end()
        over = now()
        await asyncio.sleep(30)
        times = extensions(systemd)
    assert times[-1] <= over == 65.0
    assert max(gaps([5.0, *times, over])) <= 1.0 < EXTENSION
    assert {*systemd.minutes.lines("EXTEND_TIMEOUT_USEC")} == {"10000000"}


async def test_a_start_without_a_bound_that_hangs_asks_for_no_more_time_after_a_while():
    """H10"""
    worker = Workers(Life(name="db"), name="app")
    worker.on_startup = hang = asyncio.Event().wait
    starting = asyncio.create_task(hang(), name="start")
    async with told_of_stages(worker) as systemd:
        systemd.progress.begin_making("app", starting)
        await asyncio.sleep(100)
        times = extensions(systemd)
        systemd.progress.end()
    starting.cancel()
    assert times[-1] <= 11.0
    assert systemd.minutes.lines("STATUS")[-2] == "starting for 100 s: app in its function"


async def test_a_start_without_a_bound_that_gets_on_asks_for_more_time():
    """H10"""

    class Slow(Worker):
        async def on_startup(self):
            await asyncio.sleep(9)
            await asyncio.sleep(9)
            await asyncio.sleep(9)

        async def run(self):
            await self.sleep(inf)

    worker = Slow(name="app")
    async with told_of_stages(worker) as systemd:
        systemd.progress.begin(worker, STARTING, inf)
        async with worker:
            times = [0.0, *extensions(systemd), now()]
            systemd.progress.end()
    assert times[-1] == 27.0
    assert max(gaps(times)) <= 1.0


async def test_a_stop_past_its_bound_asks_for_more_time_while_messages_are_handled():
    """H10"""

    async def handle(_):
        await asyncio.sleep(3)

    worker = QueueConsumerWorker(handle, name="app", stopping_grace_period=inf)
    async with told_of_stages(worker, phase=Phase.READY) as systemd:
        async with worker:
            for number in range(20):
                worker.send(number)
            worker.gracefully_stop()
            systemd.progress.begin(worker, STOPPING, inf)
            begun = now()
        assert now() - begun > 50
        assert max(gaps([begun, *extensions(systemd), now()])) <= 1.5


async def test_the_end_asks_for_a_last_extension_for_the_exit_of_the_interpreter():
    """H10"""
    async with supervised(phase=Phase.STOPPING) as systemd:
        await asyncio.sleep(5)
    assert systemd.minutes.times_of("EXTEND") == [5.0]


# --- the watchdog --------------------------------------------------------------------------------


@pytest.mark.parametrize("watchdog", [0.5, 3.0, 30.0, 300.0])
async def test_pings_come_at_once_and_then_within_half_the_interval(watchdog):
    """H09"""
    begun = now()
    worker = Idle(name="app")
    async with supervised(worker, watchdog=watchdog) as systemd, worker:
        systemd.turn(Phase.READY)
        await asyncio.sleep(10 * watchdog)
    pings = systemd.minutes.times_of("WATCHDOG")
    assert pings[0] == begun
    assert max(gaps(pings)) <= watchdog / 2
    assert len(pings) < 30


async def test_without_a_watchdog_there_are_no_pings():
    """H09"""
    async with supervised() as systemd:
        await asyncio.sleep(100)
    assert systemd.minutes.times_of("WATCHDOG") == []


async def test_a_tree_that_is_not_live_sends_no_ping_and_begins_again_when_it_is(monkeypatch):
    """H09"""

    def report():
        return Report("app", Phase.READY, is_live, True, (), (), (), {})

    is_live = True
    async with supervised(watchdog=10.0) as systemd:
        monkeypatch.setattr(systemd._health, "report", report)
        await asyncio.sleep(20)
        is_live, begun = False, now()
        await asyncio.sleep(20)
        assert [at for at in systemd.minutes.times_of("WATCHDOG") if at > begun] == []
        is_live, begun = True, now()
        await asyncio.sleep(1)
        assert [at for at in systemd.minutes.times_of("WATCHDOG") if at > begun]


async def test_a_ping_that_finds_no_room_is_sent_again_before_the_interval_is_over():
    """H09"""
    async with supervised(watchdog=10.0) as systemd:
        systemd.minutes.is_full = True
        await asyncio.sleep(4.5)
        systemd.minutes.is_full = False
        await asyncio.sleep(10)
    assert systemd.minutes.times_of("WATCHDOG")[:2] == [0.0, 5.0]


async def test_an_interval_that_is_too_short_does_not_occupy_the_loop():
    async with supervised(watchdog=1e-6) as systemd:
        await asyncio.sleep(1)
    assert len(systemd.minutes.times_of("WATCHDOG")) <= 101


@pytest.mark.real
async def test_a_loop_that_is_blocked_sends_no_ping():
    """H07"""
    async with supervised(watchdog=0.03) as systemd:
        await asyncio.sleep(0.02)
        begun, over = now(), block(0.05)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    pings = systemd.minutes.times_of("WATCHDOG")
    assert len(pings) >= 2
    assert not [at for at in pings if begun < at < over - 0.001]


# --- a whole process -----------------------------------------------------------------------------


@pytest.fixture
def manager(tmp_path, monkeypatch):
    """A manager that has started the process of the tests."""
    manager = Manager(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", manager.address)
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    yield manager
    manager.socket.close()


@pytest.fixture
def play(factory):
    """Returns a function that runs a whole process, on each of the loops."""
    return lambda make, **others: Play(make, {"loop_factory": factory, **others}).run()


@pytest.mark.real
def test_a_process_says_ready_when_its_tree_is_and_stopping_before_anybody_is_asked(play, manager):
    """H08"""

    class App(Life):
        async def on_startup(self):
            heard.append(manager.words())

        def gracefully_stop(self):
            heard.append(manager.words())
            super().gracefully_stop()

    async def run(worker):
        await worker.sleep(0.01)
        heard.append(manager.words())
        sends(SIGTERM)()

    heard = []
    assert play(lambda: App(run)) == (0, "")
    assert heard == [[], ["READY"], ["STOPPING"]]


@pytest.mark.real
def test_what_a_worker_starts_cannot_speak_for_the_process(play, manager):
    """H09"""

    def look(worker):
        seen.extend(name for name in os.environ if name.startswith(("NOTIFY", "WATCHDOG")))
        stop(worker)

    seen = []
    assert "NOTIFY_SOCKET" in os.environ
    assert play(lambda: Life(look)) == (0, "")
    assert seen == []
    assert "WATCHDOG=1" in manager.heard()


@pytest.mark.real
def test_a_start_that_fails_never_says_ready_and_leaves_its_reason_as_the_status(play, manager):
    """H08"""

    class Broken(Life):
        async def on_startup(self):
            raise ValueError("no")

    assert play(Broken)[0] == 3
    heard = manager.heard()
    assert not [text for text in heard if "READY" in text]
    assert heard[-1] == "STATUS=exit code 3: it did not start (ValueError: no)"


@pytest.mark.real
def test_a_process_that_takes_its_time_to_stop_asks_for_more_of_it(play, manager, monkeypatch):
    """H10"""

    class App(Life):
        async def on_shutdown(self):
            manager.heard()
            await asyncio.sleep(0.05)
            asked.extend(manager.heard())

    asked = []
    monkeypatch.setattr("fluid.runtime.onlookers.systemd.LOOK", 0.01)
    assert play(lambda: App(stop)) == (0, "")
    assert asked.count("EXTEND_TIMEOUT_USEC=10000000") >= 2
    assert "STATUS=stopping for 0 of at most 17 s: life in on_shutdown" in asked


@pytest.mark.real
def test_a_process_that_is_restarted_says_so_and_then_that_it_is_ready_again(play, manager):
    """H08"""
    worker = Life(sends(SIGHUP), stop)
    assert play(lambda: worker) == (0, "")
    assert manager.words() == ["READY", "RELOADING", "READY", "STOPPING"]


@pytest.mark.real
def test_a_manager_that_is_not_there_changes_nothing(play, monkeypatch, caplog):
    """H08"""
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/notify")
    assert play(lambda: Life(stop)) == (0, "")
    assert len(said_by_the_runtime(caplog)) == 1


@pytest.mark.real
def test_what_tells_systemd_may_be_broken_and_changes_nothing(play, manager, monkeypatch, capsys):
    """H08"""

    def fail(*_):
        raise OSError("no socket")

    for name in ("turn", "last_words"):
        monkeypatch.setattr(Systemd, name, fail)
    assert play(lambda: Life(stop)) == (0, "")
    assert "OSError: no socket" in capsys.readouterr().err


@pytest.mark.real
def test_an_exit_that_has_to_be_cut_short_is_the_last_status(play, manager, monkeypatch):
    held = []
    monkeypatch.setattr("fluid.runtime.process.hold_at_exit", lambda *given: held.append(given))
    assert play(lambda: Life(sends(SIGTERM)), deadline=5.0) == (0, "")
    assert manager.heard()[-1] == "STATUS=exit code 0"
    ((*_, front),) = held  # what speaks when the interpreter does not get away
    front.last_words("life: exit code 4: it was not gone", 4)
    assert manager.heard() == ["STATUS=exit code 4: it was not gone"]
