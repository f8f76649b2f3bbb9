"""What can be seen of a worker: its record, its status, its tree, its path."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from datetime import UTC, timedelta

import pytest

from fluid import Worker, Workers, WorkerState
from tests.worker.fakes import deaf, now, raising, worker_with


async def test_there_is_no_record_before_the_end() -> None:
    worker = worker_with()
    assert worker.worker_exit is None
    await worker.startup()
    assert worker.worker_exit is None
    await worker.shutdown()
    assert worker.worker_exit is worker.worker_exit is not None


async def test_the_record_has_aware_instants_and_the_duration_of_the_loops_clock() -> None:
    worker = worker_with()
    await worker.startup()
    await asyncio.sleep(90)
    await worker.shutdown()
    record = worker.worker_exit
    assert record.duration == 90
    assert record.started_at.tzinfo is UTC
    assert record.ended_at - record.started_at == timedelta(seconds=90)


async def test_the_record_is_frozen() -> None:
    worker = worker_with()
    await worker.startup()
    await worker.shutdown()
    with pytest.raises(AttributeError, match="frozen"):
        worker.worker_exit.code = 5


async def test_the_plain_form_is_json_and_has_errors_as_text() -> None:
    worker = worker_with(run=raising(ValueError("no")), shutdown=raising(OSError("pipe")))
    await worker.startup()
    with pytest.raises(ValueError):
        await worker.wait_for_shutdown()
    plain = json.loads(json.dumps(worker.worker_exit.as_dict()))
    assert plain["exception"] == {"type": "ValueError", "message": "no"}
    assert plain["errors"] == [{"type": "OSError", "message": "pipe"}]
    assert (plain["state"], plain["code"]) == ("failed", 2)


async def test_status_says_running_and_stopping_in_every_state() -> None:
    worker = worker_with(shutdown=lambda _: asyncio.sleep(1))
    seen = [await worker.status()]
    await worker.startup()
    seen.append(await worker.status())
    worker.gracefully_stop()
    seen.append(await worker.status())
    await worker.wait_for_shutdown()
    seen.append(await worker.status())
    assert [(facts["running"], facts["stopping"]) for facts in seen] == [
        (False, False),
        (True, False),
        (False, True),
        (False, False),
    ]
    assert [facts["state"] for facts in seen] == ["init", "running", "stopping", "stopped"]
    json.dumps(seen)


async def test_the_tree_is_plain_data_from_the_root_down() -> None:
    leaf = worker_with(name="leaf", stopping_grace_period=float("inf"))
    root = Workers(Workers(leaf, name="inner"), name="root")
    tree = json.loads(json.dumps(root.worker_tree()))
    inner = tree["children"][0]
    assert [tree["path"], inner["path"], inner["children"][0]["path"]] == [
        "root",
        "root/inner",
        "root/inner/leaf",
    ]
    assert tree["stop_bound"] is None
    assert inner["kind"] == "Workers"


async def test_a_path_is_made_of_escaped_names_that_cannot_forge_one() -> None:
    """I09"""
    worker = worker_with(name="a/b\n%")
    group = Workers(worker, name="app")
    assert worker.worker_path == "app/a%2Fb%0A%25"
    assert worker.worker_parent is group
    assert group.worker_parent is None


@pytest.mark.lazy_only("what an eager task leaves in its frames is not ours")
async def test_a_worker_that_has_ended_is_freed_with_its_last_user() -> None:
    """L04"""
    for options in ({}, {"run": lambda w: asyncio.sleep(100)}):
        worker = worker_with(**options)
        await worker.startup()
        await asyncio.sleep(1)
        await worker.shutdown()
        await asyncio.sleep(0)
        gone = weakref.ref(worker)
        gc.disable()
        try:
            del worker
            assert gone() is None
        finally:
            gc.enable()


async def test_no_task_is_lost_to_the_garbage_collector() -> None:
    """L07"""

    class Forgotten(Worker):
        async def run(self) -> None:
            await self.sleep(10)
            done.append(now())

    done: list[float] = []
    await Forgotten().startup()
    for _ in range(5):
        gc.collect()
        await asyncio.sleep(1)
    await asyncio.sleep(10)
    assert done == [10]


async def test_the_late_end_of_an_abandoned_task_is_told_and_changes_nothing() -> None:
    """F10"""
    worker = worker_with(run=deaf)
    await worker.startup()
    await worker.shutdown()
    record = worker.worker_exit
    await asyncio.sleep(3600)
    assert type(worker.events[-1]).__name__ == "LateEnd"
    assert worker.worker_exit is record
    assert worker.worker_state is WorkerState.FORCE_STOPPED
