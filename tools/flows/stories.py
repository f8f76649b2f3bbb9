"""What is to be seen: five small programs, and the steps that a reader of the code looks for."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import NamedTuple

from fluid import Backoff, QueueConsumerWorker, Retry, Supervisor, Worker, Workers

from .watching import LOOP, Play, Step, Watch


class Story(NamedTuple):
    """A flow."""

    name: str
    """Of its file."""
    title: str
    play: Play
    lanes: dict[str, str]
    """The tasks, and what the picture calls them."""
    steps: list[Step]


class Feed(Worker):
    """The worker in all of them: it has something to do when it starts, and when it ends."""

    async def on_startup(self) -> None:
        """Would open its connection."""

    async def run(self) -> None:
        """Looks once a second."""
        while await self.sleep(1):
            self.look()

    async def on_shutdown(self) -> None:
        """Would close it."""

    def look(self) -> None:
        """Would read from it."""


class BadFeed(Feed):
    """The one that crashes."""

    def look(self) -> None:
        """Fails."""
        raise ConnectionError("no route")


YOU, APP, FEED, MAIL = "main", "app", "feed", "mail"

# --- a start -------------------------------------------------------------------------------------


async def _start(watch: Watch) -> None:
    app = Workers(Feed(name=FEED), name=APP)
    watch()
    await app.startup()
    await app.shutdown()


START = Story(
    "start",
    "A start: await app.startup(), of a group with one child",
    _start,
    {YOU: "your task", APP: "the task of app", FEED: "the task of app/feed"},
    [
        Step(YOU, "Worker.startup", "only in INIT, and once"),
        Step(YOU, "Core.start", "checks the options"),
        Step(YOU, "Life.begin", "a life: RUNNING, WorkerStarted"),
        Step(YOU, "spawn", "the only maker of tasks"),
        Step(YOU, "until_started", "waits, and knows the limit"),
        Step(APP, "live", "the whole of a life", "a task"),
        Step(APP, "Worker.on_startup", "what is yours comes first"),
        Step(APP, "Engine.run", "of a group: run() is its engine"),
        Step(APP, "Line.next", "whose turn is it?"),
        Step(APP, "Core.start", "the same again, for the child"),
        Step(FEED, "live", "its own hooks, its own run()", "a task"),
        Step(FEED, "Life.become_ready", "WorkerReady"),
        Step(FEED, "GroupCore.child_ready", "tells its group"),
        Step(APP, "Engine._act", "the next child, and the next", "is woken"),
        Step(APP, "GroupCore.all_started", "all are ready"),
        Step(APP, "Life.become_ready", "so the group is"),
        Step(YOU, "until_started", "startup() returns", "is woken"),
    ],
)

# --- a crash -------------------------------------------------------------------------------------


async def _crash(watch: Watch) -> None:
    app = Workers(BadFeed(name=FEED), name=APP)
    with suppress(ConnectionError):
        async with app:
            watch()
            await app.wait_for_shutdown()


CRASH = Story(
    "crash",
    "A crash: run() of a child raises, in a group that ends with it",
    _crash,
    {YOU: "your task, which waits", APP: "the task of app", FEED: "the task of app/feed"},
    [
        Step(FEED, "live", "run() raises: it is caught here"),
        Step(FEED, "_note_end", "a fact, not yet a verdict"),
        Step(FEED, "Life.leave_running", "STOPPING; wakes whoever waits"),
        Step(FEED, "_clean_up", "on_shutdown(), the exit stack"),
        Step(FEED, "Life.settle", "once in a life"),
        Step(FEED, "judge", "all facts to one outcome"),
        Step(FEED, "Life._emit_end", "WorkerFailed: the log has it"),
        Step(FEED, "GroupCore.child_ended", "tells its group"),
        Step(APP, "Engine.follow", "a group stops with its first", "is woken"),
        Step(APP, "Stopping.go_on", "asks those who are left"),
        Step(APP, "Engine._end", "raises the error of the first"),
        Step(APP, "Life.settle", "the same way out"),
        Step(APP, "judge", "FAILED, by its child"),
        Step(YOU, "Life.raise_outcome", "ConnectionError: no route", "is woken"),
    ],
)

# --- a restart -----------------------------------------------------------------------------------


async def _restart(watch: Watch) -> None:
    app = Supervisor(lambda: BadFeed(name=FEED), name=APP, backoff=Backoff(0.5))
    async with app:
        watch()
        await asyncio.sleep(2.0)


RESTART = Story(
    "restart",
    "A restart: the same crash, under a supervisor",
    _restart,
    {FEED: "the task of app/feed", APP: "the task of app", LOOP: "the event loop"},
    [
        Step(FEED, "live", "run() raises"),
        Step(FEED, "Life.settle", "FAILED, with its record"),
        Step(FEED, "GroupCore.child_ended", "tells its group"),
        Step(APP, "SupervisorEngine._decide", "restart, drop, or give up?", "is woken"),
        Step(APP, "RestartLimit.admit", "how many in the window?"),
        Step(APP, "Backoff.wait", "how long until then?"),
        Step(APP, "Restarting.take_in", "on its way, for all to see"),
        Step(APP, "SupervisorEngine.call_at", "a stop need not wait for it"),
        Step(LOOP, "Restarting._time_has_come", "the back-off is over", "a timer"),
        Step(APP, "SupervisorEngine.start_again", "if it still may", "is woken"),
        Step(APP, "ChildSpec.make", "a new instance"),
        Step(APP, "Core.start", "with a new life"),
        Step(FEED, "live", "the next incarnation", "a task"),
    ],
)

# --- a message -----------------------------------------------------------------------------------


async def _message(watch: Watch) -> None:
    async def handle(_: int) -> None: ...

    mail = QueueConsumerWorker(handle, name=MAIL)
    async with mail:
        await asyncio.sleep(0.1)
        watch()
        mail.send(1)
        await mail.join()


MESSAGE = Story(
    "message",
    "A message: mail.send(1), to a plain consumer that waits for one",
    _message,
    {YOU: "your task", MAIL: "the task of mail"},
    [
        Step(YOU, "QueueConsumer.send", "appends to a deque, no lock"),
        Step(YOU, "Store.wake_getter", "only if somebody waits"),
        Step(YOU, "Mailbox.join", "until all so far is settled"),
        Step(MAIL, "consume", "take, handle, settle", "is woken"),
        Step(MAIL, "Store.attend", "only if somebody waits for it"),
        Step(YOU, "Mailbox.join", "it is in the account", "is woken"),
    ],
)


async def _retry(watch: Watch) -> None:
    attempts: list[int] = []

    async def handle(message: int) -> None:
        attempts.append(message)
        if len(attempts) == 1:
            raise ConnectionError("no route")

    mail = QueueConsumerWorker(handle, name=MAIL, concurrency=2, retry=Retry(attempts=3))
    async with mail:
        await asyncio.sleep(0.1)
        watch()
        mail.send(1)
        await mail.join()


RETRY = Story(
    "retry",
    "A message that is tried again: a pool of two, Retry(attempts=3)",
    _retry,
    {YOU: "your task", f"{MAIL} 1": "a task of the pool", LOOP: LOOP, f"{MAIL} 2": "the other one"},
    [
        Step(YOU, "QueueConsumer.send", "as before"),
        Step(f"{MAIL} 1", "Pool._consume", "one loop for each task", "is woken"),
        Step(f"{MAIL} 1", "Lanes.popleft", "order by key, what is due again"),
        Step(f"{MAIL} 1", "Handling.attempt", "limits, the time-out, the call"),
        Step(f"{MAIL} 1", "Handling.failed", "the handler raised"),
        Step(f"{MAIL} 1", "Retry.wait", "again, and after how long?"),
        Step(f"{MAIL} 1", "Lanes._defer", "waits aside, holds nobody up"),
        Step(LOOP, "Lanes._fall_due", "the wait is over", "a timer"),
        Step(f"{MAIL} 2", "Lanes.popleft", "whoever is free", "is woken"),
        Step(f"{MAIL} 2", "Handling.attempt", "the second attempt"),
        Step(f"{MAIL} 2", "Lanes._settle", "one more that was handled"),
    ],
)

# --- a stop --------------------------------------------------------------------------------------


async def _stop(watch: Watch) -> None:
    app = Workers(Feed(name=FEED), name=APP)
    await app.startup()
    await asyncio.sleep(0.5)
    watch()
    await app.shutdown()


STOP = Story(
    "stop",
    "A stop: await app.shutdown(), of a group with one child",
    _stop,
    {
        YOU: "your task",
        LOOP: LOOP,
        APP: "the task of app",
        FEED: "the task of app/feed",
    },
    [
        Step(YOU, "Worker.gracefully_stop", "any thread, any moment"),
        Step(YOU, "Life.ask_to_stop", "one flag: STOPPING"),
        Step(YOU, "Core.in_loop", "the rest is for the loop"),
        Step(YOU, "Life.wait_ended", "of many who may wait"),
        Step(LOOP, "Life.begin_stop", "wakes who sleeps or waits", "call_soon"),
        Step(LOOP, "GroupCore.stop_begun", "a group has to ask"),
        Step(APP, "Stopping.go_on", "all, or in reverse", "is woken"),
        Step(APP, "Life.begin_stop", "of the child"),
        Step(LOOP, "Stop.arm", "cancel, again, abandon: timers", "call_soon"),
        Step(FEED, "Life.sleep", "returns False, run() returns", "is woken"),
        Step(FEED, "Stop.arm_cleanup", "the cleanup has its own time"),
        Step(FEED, "_tidy", "on_shutdown()"),
        Step(FEED, "_close", "the exit stack"),
        Step(FEED, "Life.settle", "STOPPED, and its record"),
        Step(FEED, "GroupCore.child_ended", "tells its group"),
        Step(APP, "Engine._end", "nobody is left", "is woken"),
        Step(APP, "Life.settle", "the group has ended"),
        Step(YOU, "Life.raise_outcome", "nothing to raise: it returns", "is woken"),
    ],
)

STORIES = (START, CRASH, RESTART, MESSAGE, RETRY, STOP)

logging.getLogger("fluid").addHandler(logging.NullHandler())
