"""Spans of starts, stops and restarts."""

from __future__ import annotations

import asyncio

import pytest

from fluid import Backoff, ChildSpec, Supervisor, Worker, Workers
from tests.tracing.tracing_cast import Spans, duration, errors_of, id_of, parent_of
from tests.worker.fakes import worker_with
from tests.worker.group_cast import end_of


def pausing(seconds: float):
    async def hook(_worker: Worker) -> None:
        await asyncio.sleep(seconds)

    return hook


async def raising(_worker: Worker) -> None:
    raise OSError("gone")


async def test_a_start_lasts_until_the_worker_is_ready_and_a_stop_until_it_has_ended(spans: Spans):
    worker = worker_with(name="db", startup=pausing(3), shutdown=pausing(2))
    async with worker:
        assert spans.names() == ["start db"]
        await asyncio.sleep(10)
    start, stop = spans.one("start db"), spans.one("stop db")
    assert (duration(start), duration(stop)) == (3, 2)
    assert start.attributes == {"fluid.worker": "db"}
    assert stop.attributes == {
        "fluid.worker": "db",
        "fluid.asked": True,
        "fluid.reason": "normal shutdown",
        "fluid.code": 0,
    }
    assert start.status.is_unset
    assert stop.status.is_unset


async def test_a_start_that_fails_has_its_error(spans: Spans):
    await end_of(worker_with(name="db", startup=raising).startup())
    assert errors_of(spans.one("start db")) == ["OSError"]


async def test_a_worker_that_fails_has_its_error_in_the_stop(spans: Spans):
    worker = worker_with(name="db", run=raising)
    await end_of(worker.startup())
    await end_of(worker.wait_for_shutdown())
    assert errors_of(spans.one("stop db")) == ["OSError"]
    assert spans.one("stop db").attributes["fluid.asked"] is False
    assert spans.one("start db").status.is_unset


async def test_a_start_that_is_called_off_is_no_success(spans: Spans):
    worker = worker_with(name="db", startup=pausing(60))
    starting = asyncio.ensure_future(worker.startup())
    await asyncio.sleep(1)
    worker.gracefully_stop()
    await end_of(starting)
    start = spans.one("start db")
    assert (start.status.is_ok, start.status.description) == (False, "stopped during start-up")


async def test_what_a_child_does_is_part_of_what_its_group_does(spans: Spans):
    async with Workers(worker_with(name="db"), name="app"):
        pass
    for verb in "start", "stop":
        group, child = spans.one(f"{verb} app"), spans.one(f"{verb} app/db")
        assert parent_of(child) == id_of(group)
        assert parent_of(group) is None


async def test_a_restart_lasts_from_one_end_until_the_next_one_is_ready(spans: Spans):
    crashes = [True]

    async def crash_once(worker: Worker) -> None:
        while await worker.sleep(1):
            if crashes:
                crashes.clear()
                raise OSError("gone")

    db = worker_with(name="db", startup=pausing(2), run=crash_once)
    backoff = Backoff(initial=5, maximum=5, jitter=0)
    with spans.provider.get_tracer("test").start_as_current_span("deploy"):
        supervisor = Supervisor(ChildSpec(db, backoff=backoff), name="app", period=600)
        await supervisor.startup()
    await asyncio.sleep(30)
    restart = spans.one("restart app/db")
    first, second = spans.named("start app/db")
    assert (duration(restart), parent_of(restart)) == (5 + 2, None)
    assert parent_of(spans.one("stop app/db")) is None
    assert parent_of(second) == id_of(restart)
    assert parent_of(first) == id_of(spans.one("start app"))
    await supervisor.shutdown()
    assert len(spans.named("restart app/db")) == 1


async def test_workers_of_one_name_have_each_their_own(spans: Spans):
    async with worker_with(name="db", startup=pausing(3)):
        async with worker_with(name="db", startup=pausing(1)):
            pass
        assert sorted(map(duration, spans.named("start db"))) == [1, 3]


async def test_spans_belong_to_whatever_the_starter_is_doing(spans: Spans):
    with spans.provider.get_tracer("test").start_as_current_span("deploy") as deploy:
        async with worker_with(name="db"):
            pass
    assert parent_of(spans.one("start db")) == deploy.get_span_context().span_id


@pytest.mark.parametrize("moment", ["on_start", "on_end"])
async def test_a_processor_that_raises_is_told_of_and_harms_nobody(
    spans: Spans, moment: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def fail(*_: object, **__: object) -> None:
        raise OSError("full")

    monkeypatch.setattr(spans.provider._active_span_processor, moment, fail)
    worker = worker_with(name="db")
    async with worker:
        assert worker.is_ready()
    assert worker.worker_exit is not None
    assert worker.worker_exit.code == 0
    assert "tracing has failed; the worker goes on" in caplog.text
