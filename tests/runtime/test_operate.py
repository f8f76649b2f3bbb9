"""``operate()`` in this process: what makes the worker, what is seen of it, and how it all ends."""

from __future__ import annotations

import asyncio
import logging
from contextvars import ContextVar
from math import inf
from signal import SIGINT, SIGTERM

import pytest

from fluid import Worker, Workers
from fluid.runtime.stages import STARTING, STOPPING
from tests.contract.cast import Brief
from tests.runtime.playing import Life, Play, raises, said_by_the_runtime, sends, stop

pytestmark = pytest.mark.real

NO_WORKER = 'app:main has to make a worker, not None; is a "return" missing?'


def play(make, **settings):
    """Runs what is made, and returns the code and the last words."""
    return Play(make, settings).run()


async def stop_later(worker):
    """Asks the root to stop when it has started."""
    await asyncio.sleep(0.01)
    stop(worker)


async def ignoring_one_cancel(signals=(), then=None):
    """Waits until it is cancelled, and does not heed that."""
    sends(*signals)()
    try:
        await asyncio.sleep(inf)
    except asyncio.CancelledError:
        return then() if then else None


# --- what makes the worker -----------------------------------------------------------------------


def test_an_async_factory_is_awaited_in_the_loop_that_the_worker_lives_on():
    loops = []

    async def make():
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())
        return Life(lambda worker: (loops.append(asyncio.get_running_loop()), stop(worker)))

    assert play(make) == (0, "")
    assert loops[0] is loops[1]


def test_a_factory_that_is_stopped_while_it_runs_is_a_clean_end():
    """Z03"""
    ends = []

    async def make():
        sends(SIGTERM)()
        try:
            await asyncio.sleep(inf)
        finally:
            ends.append("cleaned up")

    assert play(make) == (0, "")
    assert ends == ["cleaned up"]


def test_a_factory_that_makes_a_worker_all_the_same_has_it_not_started():
    """Z03"""
    worker = Life(stop)
    assert play(lambda: ignoring_one_cancel((SIGTERM,), lambda: worker)) == (0, "")
    assert not worker.has_started()


@pytest.mark.parametrize("is_async", [False, True])
def test_a_factory_that_raises_is_a_start_that_failed_and_says_where(is_async):
    def make():
        raise ConnectionError("no\nroute")

    async def make_later():
        make()

    code, words = play(make_later if is_async else make)
    assert code == 3
    assert words.startswith("app:main: exit code 3: it did not start (ConnectionError: no")
    assert "in test_a_factory_that_raises" in words
    assert words.isprintable()


def test_a_factory_that_is_cancelled_by_nobody_has_failed():
    assert play(raises(asyncio.CancelledError()))[0] == 3


@pytest.mark.parametrize("code", [0, 7])
def test_a_factory_may_ask_for_the_end_of_the_process(code):
    assert play(raises(SystemExit(code)))[0] == code


@pytest.mark.parametrize("thing", [None, "app", Brief, object()])
def test_a_factory_that_makes_no_worker_is_a_mistake(thing):
    """Z13"""
    code, words = play(lambda: thing)
    assert code == 2
    assert words.startswith("app:main: exit code 2: app:main has to make a worker, not ")


def test_a_factory_that_has_started_its_worker_is_a_mistake():
    async def make():
        worker = Life(lambda _: None, name="early")
        await worker.startup()
        return worker

    code, words = play(make)
    assert code == 2
    why = "worker 'early' cannot run: it is running; nobody else may start it"
    assert words == f"app:main: exit code 2: {why}"


# --- which code, where several causes meet -------------------------------------------------------


class Leaving(Life):
    """Asks for the end of the process when it has ended."""

    def after_shutdown(self, *_):
        raise SystemExit(7)


class CannotStart(Life):
    async def on_startup(self):
        raise ValueError("no")


class LeavingAtOnce(Leaving, CannotStart):
    pass


class ForcedStart(Life):
    async def on_startup(self):
        await ignoring_one_cancel((SIGTERM, SIGINT))
        raise ValueError("no")


def leave_beside(make):
    """Returns a factory beside which a callback asks for the end of the process."""

    async def made():
        asyncio.get_running_loop().call_soon(raises(SystemExit(7)))
        return await ignoring_one_cancel(then=make)

    return made


PRECEDENCES = {
    "a repeated signal over a SystemExit": (
        lambda: Leaving(sends(SIGTERM, SIGINT)),
        (130, "told again to stop (SIGINT); told to exit (SystemExit: 7)"),
    ),
    "a repeated signal over a mistake": (
        lambda: ignoring_one_cancel((SIGTERM, SIGINT)),
        (
            130,
            f"told again to stop (SIGINT); {NO_WORKER}",
        ),
    ),
    "a repeated signal over a failed start": (
        lambda: ForcedStart(),
        (130, "told again to stop (SIGINT); it did not start (ValueError: no)"),
    ),
    "a repeated signal over a failure": (
        lambda: Life(lambda worker: (sends(SIGINT, SIGTERM)(), raises(ValueError("no"))())),
        (143, "told again to stop (SIGTERM); it failed (ValueError: no)"),
    ),
    "a SystemExit over a mistake": (
        leave_beside(lambda: None),
        (
            7,
            f"told to exit (SystemExit: 7); {NO_WORKER}",
        ),
    ),
    "a SystemExit over a failed start": (
        lambda: LeavingAtOnce(),
        (7, "told to exit (SystemExit: 7); it did not start (ValueError: no)"),
    ),
    "a SystemExit over a failure": (
        lambda: Leaving(raises(ValueError("no"))),
        (7, "told to exit (SystemExit: 7); it failed (ValueError: no)"),
    ),
}


@pytest.mark.parametrize(("make", "expected"), PRECEDENCES.values(), ids=PRECEDENCES)
def test_the_highest_cause_gives_the_code(make, expected):
    """Z10"""
    code, words = play(make)
    assert (code, words.partition(f"exit code {code}: ")[2]) == expected


# --- the deadline --------------------------------------------------------------------------------


def test_a_tree_that_may_need_more_than_the_deadline_is_told_of_at_the_start(caplog):
    caplog.set_level(logging.INFO, "fluid.runtime")
    app = Workers(Life(stop_later), name="app")
    assert play(lambda: app, deadline=10.0) == (0, "")
    (line,) = said_by_the_runtime(caplog, logging.INFO)
    assert line == (
        "app may need 17.0 seconds to stop if all goes wrong, and 9.0 of the 10 seconds of the "
        "process's deadline are for that; all periods would then be 0.53 times as long"
    )


@pytest.mark.parametrize("deadline", [18.0, 25.0, inf])
def test_a_tree_that_fits_is_not_told_of(caplog, deadline):
    caplog.set_level(logging.INFO, "fluid.runtime")
    app = Workers(Life(stop_later), name="app")
    assert play(lambda: app, deadline=deadline) == (0, "")
    assert said_by_the_runtime(caplog, logging.INFO) == []


def test_a_stop_that_the_root_begins_by_itself_has_to_keep_to_the_deadline_too():
    """PEERS 14, 19"""
    bounds = []

    async def ask(worker):
        stop(worker)
        await asyncio.sleep(0.02)
        bounds.append(worker._worker.life.deadlines().plan.end_by - worker._worker.life.loop.time())
        bounds.append(playing.has_to_end)

    playing = Play(lambda: Life(ask), {"deadline": 5.0})
    assert playing.run() == (0, "")
    assert 3.0 < bounds[0] <= 4.5
    assert bounds[1] is True


@pytest.mark.parametrize("deadline", [-1.0, float("nan"), "ten", True, 0.0, 0])
def test_a_deadline_that_makes_no_sense_is_refused_with_its_value(deadline):
    """I10"""
    with pytest.raises(ValueError, match="deadline"):
        Play(lambda: Life(stop), {"deadline": deadline})


# --- threads -------------------------------------------------------------------------------------


def test_a_thread_has_a_copy_of_the_context_of_the_worker_that_it_works_for():
    """X07"""
    colour = ContextVar("colour", default="none")

    def work():
        seen.append(colour.get())
        colour.set("blue")

    async def ask(worker):
        colour.set("red")
        await asyncio.to_thread(work)
        seen.append(colour.get())
        stop(worker)

    seen = []
    assert play(lambda: Life(ask)) == (0, "")
    assert seen == ["red", "red"]


# --- what is seen of it --------------------------------------------------------------------------


def test_who_is_waited_for_is_told_while_it_starts_and_while_it_stops():
    class Slow(Life):
        async def on_startup(self):
            await asyncio.sleep(0.05)

        async def on_shutdown(self):
            await asyncio.sleep(0.05)

    async def run(worker):
        seen.append(list(playing.audience.stages))
        await asyncio.sleep(0.03)
        assert playing.audience.stages == seen[0]  # nothing is told while it only runs
        stop(worker)

    seen = []

    class One(Slow):
        async def run(self):
            await self.worker_parent.wait_ready()
            await asyncio.sleep(0.01)
            await run(self)

    playing = Play(lambda: Workers(One(name="db"), name="app"), {})
    assert playing.run() == (0, "")
    stages = playing.audience.stages
    for verb, phase in ((STARTING, "on_startup"), (STOPPING, "on_shutdown")):
        *going_on, last = [stage for stage in stages if stage.verb == verb]
        assert {each.path for stage in going_on for each in stage.waiting} == {"app/db"}
        assert phase in {each.phase for stage in going_on for each in stage.waiting}
        assert not any(stage.is_over for stage in going_on)
        assert last.is_over
        assert last.waiting == ()
        assert {stage.path for stage in stages} == {"app"}
    assert stages[-1].bound == pytest.approx(17.0, abs=0.5)


def test_a_process_that_is_quick_shows_no_stages():
    playing = Play(lambda: Life(stop), {})
    playing.audience.period = 10.0
    assert playing.run() == (0, "")
    assert playing.audience.stages == []


def test_a_front_that_raises_does_no_harm(capsys):
    class Slow(Worker):
        async def on_startup(self):
            await asyncio.sleep(0.03)

        async def run(self):
            pass

    playing = Play(Slow, {})
    playing.audience.stage = raises(OSError("no terminal"))
    assert playing.run() == (0, "")
    assert "OSError: no terminal" in capsys.readouterr().err


def test_debug_is_the_debug_mode_of_the_loop():
    modes = []

    def look(worker):
        modes.append(asyncio.get_running_loop().get_debug())
        stop(worker)

    for debug in (True, False):
        assert play(lambda: Life(look), debug=debug) == (0, "")
    assert modes == [True, False]
