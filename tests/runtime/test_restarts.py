"""SIGHUP: the tree is stopped and made anew, in the same process."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from math import inf
from signal import SIGHUP, SIGINT, SIGTERM

import pytest

from fluid import QueueConsumerWorker, Supervisor, Worker, Workers, WorkerState
from tests.runtime.playing import Life, Play, raises, said_by_the_runtime, sends, stop

pytestmark = pytest.mark.real

ONE_LIFE = ["start", "end"]


@pytest.fixture
def play(factory):
    """Returns a function that runs what is made; it returns the code and the last words."""

    def play(make, **settings):
        return Play(make, {"loop_factory": factory, **settings}).run()

    return play


def test_what_a_factory_makes_is_made_anew(play):
    """Z05"""
    made, diary = [], []

    def make():
        made.append(Life(sends(SIGHUP), sends(SIGHUP), stop, diary=diary))
        return made[-1]

    assert play(make) == (0, "")
    assert diary == ONE_LIFE * 3
    assert len({id(worker) for worker in made}) == 3
    assert {worker.worker_state for worker in made} == {WorkerState.STOPPED}


def test_an_async_factory_is_awaited_anew(play):
    diary = []

    async def make():
        await asyncio.sleep(0)
        return Life(sends(SIGHUP), stop, diary=diary)

    assert play(make) == (0, "")
    assert diary == ONE_LIFE * 2


def test_a_class_is_made_anew(play):
    diary = []

    class Counted(Life):
        def __init__(self):
            super().__init__(sends(SIGHUP), stop, diary=diary)

    assert play(Counted) == (0, "")
    assert diary == ONE_LIFE * 2


def test_an_instance_is_put_back_and_lives_again(play):
    worker = Life(sends(SIGHUP), sends(SIGHUP), stop)
    assert play(lambda: worker) == (0, "")
    assert worker.diary == ONE_LIFE * 3


def test_a_whole_tree_is_put_back_and_lives_again(play):
    handled, starts = [], []

    async def handle(message):
        handled.append(message)

    class Consumer(QueueConsumerWorker):
        async def on_startup(self):
            starts.append("consumer")
            self.send(len(starts))

    class Child(Worker):
        async def run(self):
            starts.append("child")
            await self.sleep(inf)

    life = Life(sends(SIGHUP), stop)
    inner = Workers(Consumer(handle, name="q"), name="inner")
    app = Workers(inner, Supervisor(Child(), name="supervisor"), life, name="app")
    assert play(lambda: app) == (0, "")
    assert life.diary == ONE_LIFE * 2
    assert starts == ["consumer", "child"] * 2
    assert handled == [1, 3]


def test_a_restart_is_told_and_another_one_meanwhile_is_none(play, caplog):
    caplog.set_level(logging.INFO, "fluid.runtime")
    worker = Life(sends(SIGHUP, SIGHUP), stop)
    assert play(lambda: worker) == (0, "")
    assert said_by_the_runtime(caplog, logging.INFO) == [
        "SIGHUP: life is to be restarted",
        "SIGHUP: life is on its way down already",
    ]
    assert worker.diary == ONE_LIFE * 2


def test_a_restart_during_the_start_gives_that_up(play):
    class Hanging(Life):
        async def on_startup(self):
            await super().on_startup()
            if self.diary.count("start") == 1:
                sends(SIGHUP)()
                await asyncio.sleep(inf)

    worker = Hanging(None, stop)
    assert play(lambda: worker) == (0, "")
    assert worker.diary == ["start", *ONE_LIFE]


def test_a_restart_while_the_worker_is_made_makes_it_anew(play):
    diary = []

    async def make():
        diary.append("made")
        if len(diary) == 1:
            sends(SIGHUP)()
            await asyncio.sleep(inf)
        return Life(stop, diary=diary)

    assert play(make) == (0, "")
    assert diary == ["made", "made", *ONE_LIFE]


def test_a_factory_that_does_not_heed_a_restart_makes_another_worker(play):
    made = []

    async def make():
        made.append(Life(stop))
        if len(made) == 1:
            sends(SIGHUP)()
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(inf)
        return made[-1]

    assert play(make) == (0, "")
    assert [worker.has_started() for worker in made] == [False, True]


# --- what ends it all the same -------------------------------------------------------------------


def test_a_stop_wins_over_a_restart_that_is_under_way(play):
    class Told(Life):
        async def on_shutdown(self):
            await super().on_shutdown()
            sends(SIGTERM)()

    worker = Told(sends(SIGHUP), stop)
    assert play(lambda: worker) == (0, "")
    assert worker.diary == ONE_LIFE


def test_a_restart_that_is_asked_for_during_a_stop_is_none(play):
    worker = Life(sends(SIGTERM, SIGHUP), stop)
    assert play(lambda: worker) == (0, "")
    assert worker.diary == ONE_LIFE


def test_a_failure_in_the_stop_of_a_restart_ends_the_process(play):
    class Failing(Life):
        async def on_shutdown(self):
            raise ValueError("no")

    worker = Failing(sends(SIGHUP), stop)
    assert play(lambda: worker) == (1, "life: exit code 1: it failed (ValueError: no)")
    assert worker.diary == ["start"]


def test_a_system_exit_in_the_stop_of_a_restart_ends_the_process(play):
    class Leaving(Life):
        def after_shutdown(self, *_):
            raise SystemExit(7)

    worker = Leaving(sends(SIGHUP), stop)
    assert play(lambda: worker)[0] == 7
    assert worker.diary == ONE_LIFE


def test_a_start_that_fails_the_second_time_is_a_failed_start(play):
    class Failing(Life):
        async def on_startup(self):
            await super().on_startup()
            if self.diary.count("start") == 2:
                raise ValueError("no")

    worker = Failing(sends(SIGHUP), stop)
    code, words = play(lambda: worker)
    assert code == 3
    assert words == "life: exit code 3: it did not start (ValueError: no)"


def test_what_is_left_at_a_restart_is_told_and_the_restart_goes_on(play, caplog):
    made = []

    def make():
        consumer = QueueConsumerWorker(wait, name="q", stopping_grace_period=0.0)
        acts = [sends(SIGHUP), stop][len(made) :]
        if not made:
            consumer.send("hello")
        made.append(Workers(consumer, Life(*acts), name="app"))
        return made[-1]

    async def wait(_):
        await asyncio.sleep(inf)

    assert play(make) == (0, "")
    assert len(made) == 2
    assert said_by_the_runtime(caplog) == [
        "the restart of app goes on, but app/q was stopped by force",
        "the restart of app goes on, but app/q left 1 message undelivered",
    ]


@pytest.mark.parametrize(
    ("second", "code", "words"),
    [
        (lambda: None, 2, "app:main has to make a worker, not None"),
        (raises(ValueError("no")), 3, "it did not start (ValueError: no"),
        (raises(SystemExit(7)), 7, "it did not start (SystemExit: 7"),
    ],
)
def test_a_second_worker_that_cannot_be_made_ends_the_process(play, second, code, words):
    """Z10: and what the first has left is told, but gives no code."""

    async def deaf(_):
        sends(SIGHUP)()
        await asyncio.sleep(inf)

    makes = [lambda: Life(deaf, stopping_grace_period=0.0), second]
    found = play(lambda: makes.pop(0)())
    assert found[0] == code
    assert words in found[1]
    assert found[1].endswith("; life was stopped by force")


# --- the deadline --------------------------------------------------------------------------------


def test_the_deadline_runs_for_a_stop_and_not_for_a_restart(factory):
    class Asked(Life):
        async def on_shutdown(self):
            await super().on_shutdown()
            runs.append(play.has_to_end)

    runs = []
    worker = Asked(sends(SIGHUP), stop)
    play = Play(lambda: worker, {"loop_factory": factory, "deadline": 60.0})
    assert play.run() == (0, "")
    assert runs == [False, True]


def test_a_second_request_after_a_restart_forces_the_worker_that_there_is(play):
    async def deaf(worker):
        sends(SIGTERM, SIGINT)()
        await asyncio.sleep(inf)

    worker = Life(sends(SIGHUP), deaf)
    code, words = play(lambda: worker)
    assert code == 130
    assert words == ("life: exit code 130: told again to stop (SIGINT); life was stopped by force")
    assert worker.diary == ONE_LIFE * 2
