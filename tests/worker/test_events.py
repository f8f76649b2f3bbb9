"""Events: what is emitted, in which order, to whom; and what the log says of it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from inspect import get_annotations

import pytest

from fluid import Workers, events
from fluid.errors import ChildEnd
from fluid.events import WorkerEvent
from fluid.logs import line
from fluid.texts import LONGEST_LINE, error_text
from tests.worker.fakes import deaf, forever, raising, worker_with


def names(seen: list[WorkerEvent]) -> list[str]:
    return [type(event).__name__ for event in seen]


async def test_a_clean_life_is_told_in_four_events() -> None:
    async with worker_with() as worker:
        await asyncio.sleep(1)
    assert names(worker.events) == [
        "WorkerStarted",
        "WorkerReady",
        "WorkerStopping",
        "WorkerStopped",
    ]
    assert [event.at for event in worker.events] == [0, 0, 1, 1]


async def test_a_forced_stop_is_told_step_by_step() -> None:
    worker = worker_with(run=deaf)
    await worker.startup()
    await worker.shutdown()
    assert names(worker.events)[2:] == [
        "WorkerStopping",
        "WorkerCancelledByForce",
        "WorkerCancelledByForce",
        "WorkerAbandoned",
        "WorkerForceStopped",
    ]
    assert [event.at for event in worker.events][2:] == [0, 10, 11, 12, 12]
    await asyncio.sleep(3600)


async def test_events_bubble_to_the_group_and_to_the_root_and_to_the_process() -> None:
    seen: dict[str, list[str]] = {"inner": [], "root": [], "process": []}
    leaf = worker_with(name="leaf")
    inner = Workers(leaf, name="inner")
    root = Workers(inner, name="root")
    inner.subscribe(lambda event: seen["inner"].append(event.path))
    root.subscribe(lambda event: seen["root"].append(event.path))
    end = events.subscribe(lambda event: seen["process"].append(event.path))
    async with root:
        pass
    end()
    assert set(seen["inner"]) == {"root/inner", "root/inner/leaf"}
    assert set(seen["root"]) == set(seen["process"]) == {"root", *seen["inner"]}


async def test_a_subscription_that_was_ended_hears_no_more() -> None:
    seen: list[WorkerEvent] = []
    worker = worker_with()
    end = worker.subscribe(seen.append)
    await worker.startup()
    heard = len(seen)
    end()
    end()
    await worker.shutdown()
    assert heard == len(seen) == 2


@pytest.mark.parametrize("subscribe", ["worker", "process"])
async def test_who_has_subscribed_twice_is_told_once_when_one_subscription_has_ended(
    subscribe: str,
) -> None:
    worker, seen = worker_with(run=forever), list[events.WorkerEvent]()
    begin = worker.subscribe if subscribe == "worker" else events.subscribe
    first, second = begin(seen.append), begin(seen.append)
    first()
    first()
    async with worker:
        pass
    assert seen.count(seen[0]) == 1
    second()


async def test_a_listener_that_raises_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """E10"""

    def broken(_event: WorkerEvent) -> None:
        raise ZeroDivisionError

    worker = worker_with()
    worker.subscribe(broken)
    await worker.startup()
    await worker.shutdown()
    assert names(worker.events)[-1] == "WorkerStopped"
    assert "a listener raised on WorkerStopped" in caplog.text


async def test_a_crash_is_told_with_its_traceback_once_however_deep_the_tree(caplog) -> None:
    worker = worker_with(run=raising(ValueError("broken")), name="leaf")
    root = Workers(Workers(worker, name="inner"), name="root")
    with caplog.at_level(logging.ERROR):
        await root.startup()
        with pytest.raises(ValueError):
            await root.wait_for_shutdown()
    assert [record.exc_info is not None for record in caplog.records] == [True, False, False]
    assert "worker root failed because worker root/inner/leaf failed" in caplog.text


@pytest.mark.parametrize(
    ("hooks", "level"),
    [
        ({}, logging.INFO),
        ({"run": forever}, logging.WARNING),
        ({"run": raising(ValueError())}, logging.ERROR),
    ],
    ids=["ordinary", "forced", "crash"],
)
async def test_the_level_of_an_end_says_how_bad_it_was(hooks, level: int, caplog) -> None:
    worker = worker_with(**hooks)
    with caplog.at_level(logging.DEBUG, logger="fluid"):
        await worker.startup()
        with suppress(ValueError):
            await worker.shutdown()
    assert max(record.levelno for record in caplog.records) == level


def test_every_event_has_a_line_of_its_own() -> None:
    samples = {
        "str": "x",
        "float": 1.0,
        "float | None": None,
        "int": 1,
        "bool": True,
        "tuple[str, ...]": ("a.py:1 in f",),
        "BaseException": ValueError("no"),
        "BaseException | None": None,
        "Fate": events.Fate.DROPPED,
        "ChildEnd": ChildEnd("app/x", 1.0, 1, 1.0, "failed (ValueError: no)"),
        "tuple[ChildEnd, ...]": (),
        "Mapping[str, int]": {"accepted": 2, "handled": 2},
    }
    for kind in _all_events(WorkerEvent):
        fields = {
            name: samples[annotation]
            for base in reversed(kind.__mro__)
            for name, annotation in get_annotations(base).items()
            if name in kind._fields
        }
        text = line(kind(**fields))
        assert "\n" not in text
        if kind not in (WorkerEvent, events.WorkerEnded):
            assert kind.__name__ not in text, f"{kind.__name__} has no line"


def _all_events(kind: type[WorkerEvent]) -> list[type[WorkerEvent]]:
    return [kind, *(found for sub in kind.__subclasses__() for found in _all_events(sub))]


def test_the_text_of_an_error_can_neither_forge_a_line_nor_fill_the_disk() -> None:
    """A13, E06"""
    assert error_text(ValueError("a\nb")) == "ValueError: a"
    assert error_text(ValueError("a\x1b[31m")) == "ValueError: a\\x1b[31m"
    assert len(error_text(ValueError("x" * 10**6))) < LONGEST_LINE + 100
    assert error_text(ValueError()) == "ValueError"


def test_a_line_names_the_innermost_place_of_the_users_own_code() -> None:
    inner = f"{asyncio.__path__[0]}/tasks.py:649 in sleep"
    event = events.StillStarting("app/db", 10.0, 10.0, ("db.py:3 in connect", inner))
    assert line(event).endswith("still starting after 10 seconds, at db.py:3 in connect")
    library = inner.replace("asyncio/tasks", "subprocess")
    package = "/venv/lib/python3.11/site-packages/driver.py:1 in read"
    event = events.StillStarting("app/db", 10.0, 10.0, ("db.py:3 in connect", package, library))
    assert line(event).endswith("at db.py:3 in connect")
    event = events.StillStarting("app/db", 10.0, 10.0, (package, inner))
    assert line(event).endswith(package)
    event = events.StillStarting("app/db", 10.0, 10.0, (inner,))
    assert line(event).endswith(inner)
    event = events.StillStarting("app/db", 10.0, 10.0, ())
    assert line(event).endswith("at an unknown place")


async def test_who_did_not_listen_is_told_how_to(caplog: pytest.LogCaptureFixture) -> None:
    worker = worker_with(run=forever)
    await worker.startup()
    await worker.shutdown()
    (record,) = [record for record in caplog.records if "cancelled in run" in record.message]
    assert "in forever; what may take longer has to look at is_running()" in record.message
    assert record.message.endswith("or to have a longer stopping_grace_period")
