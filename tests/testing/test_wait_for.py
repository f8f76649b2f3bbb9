"""Waiting for a worker's state or event: nothing is missed, and a wait in vain says why."""

from __future__ import annotations

import asyncio
import gc
import weakref
from math import inf, nan
from typing import Any

import pytest

from fluid import FluidValueError, Worker, Workers, WorkerState
from fluid.errors import WrongLoopError
from fluid.events import (
    WorkerEnded,
    WorkerEvent,
    WorkerFailed,
    WorkerReady,
    WorkerStarted,
    WorkerStopped,
    WorkerStopping,
)
from fluid.rules.lifecycle import FINAL_STATES, TRANSITIONS
from fluid.testing import run
from fluid.testing.errors import UnreachableStateError, WaitTimeoutError
from fluid.testing.wait_for import reachable_from, wait_for_event, wait_for_state
from tests.worker.fakes import at_once, deaf, forever, now, raising, worker_with

INIT, RUNNING, STOPPING, STOPPED, FORCE_STOPPED, FAILED = WorkerState


async def started(**hooks: Any) -> Worker:
    worker = worker_with(**hooks)
    await worker.startup()
    return worker


async def begun(coroutine: Any) -> asyncio.Task[Any]:
    """Returns a task that has taken its first step."""
    task = asyncio.create_task(coroutine)
    await asyncio.sleep(0)
    return task


# States


async def test_a_state_that_is_there_already_is_returned_at_once():
    worker = worker_with()
    assert await wait_for_state(worker, INIT) is INIT
    assert await wait_for_state(worker, RUNNING, INIT, timeout=0) is INIT
    async with worker:
        assert await wait_for_state(worker, RUNNING) is RUNNING
        assert now() == 0
    ended_at = now()
    assert await wait_for_state(worker, *FINAL_STATES) is STOPPED
    assert now() == ended_at


@pytest.mark.parametrize("state", [RUNNING, STOPPING, STOPPED])
async def test_every_state_of_a_clean_life_is_seen_when_it_comes(state: WorkerState):
    worker = worker_with()
    wait = await begun(wait_for_state(worker, state))
    await asyncio.sleep(1)
    await worker.startup()
    await asyncio.sleep(1)
    await worker.shutdown()
    assert await wait is state


@pytest.mark.parametrize("state", [RUNNING, STOPPING, STOPPED])
async def test_states_that_last_for_less_than_a_step_are_seen_too(
    state: WorkerState, caplog: pytest.LogCaptureFixture
):
    worker = worker_with(run=at_once)
    wait = await begun(wait_for_state(worker, state))
    await worker.startup()
    await worker.wait_for_shutdown()
    assert worker.worker_state is STOPPED
    assert await wait is state
    assert "a listener raised" not in caplog.text


async def test_stopping_is_seen_in_the_step_after_the_request():
    worker = await started(run=deaf)
    wait = await begun(wait_for_state(worker, STOPPING))
    worker.gracefully_stop()
    assert await wait is STOPPING
    assert now() == 0
    await worker.shutdown()
    await asyncio.sleep(3600)


async def test_a_failed_and_a_forced_end_are_told_apart():
    failing, forced = await started(run=raising(ValueError())), await started(run=forever)
    forced.gracefully_stop()
    assert await wait_for_state(failing, *FINAL_STATES) is FAILED
    assert await wait_for_state(forced, *FINAL_STATES) is FORCE_STOPPED
    assert now() == 10


async def test_many_can_wait_for_one_worker_and_none_of_them_stays_subscribed():
    worker = worker_with()
    listeners = worker._worker.listeners
    waits = [await begun(wait_for_state(worker, state)) for state in (RUNNING, STOPPED, STOPPED)]
    assert len(worker._worker.listeners) == len(listeners) + 3
    async with worker:
        pass
    assert await asyncio.gather(*waits) == [RUNNING, STOPPED, STOPPED]
    assert worker._worker.listeners == listeners


async def test_a_wait_that_is_cancelled_leaves_the_worker_alone_and_no_timer():
    worker = await started()
    wait = await begun(wait_for_state(worker, STOPPED))
    wait.cancel()
    await asyncio.wait([wait])
    assert wait.cancelled()
    assert worker.is_running()
    await worker.shutdown()


async def test_events_of_children_do_not_confuse_the_wait_for_their_group():
    group = Workers(worker_with(name="child"), name="group")
    wait = await begun(wait_for_state(group, STOPPED))
    async with group:
        pass
    assert await wait is STOPPED


# Waits in vain


async def test_a_time_out_names_the_worker_its_state_what_was_waited_for_and_where_it_waits():
    worker = await started(name="mailer", run=forever)
    with pytest.raises(WaitTimeoutError) as caught:
        await wait_for_state(worker, STOPPED, FORCE_STOPPED, timeout=5)
    assert now() == 5
    assert str(caught.value) == (
        "worker 'mailer' was waited for in vain for 5 seconds, to be stopped or force-stopped: "
        "it is running"
    )
    assert caught.value.state is RUNNING
    assert caught.value.timeout == 5
    assert "in forever" in "".join(caught.value.stack)
    (note,) = caught.value.__notes__
    assert note.startswith("it was waiting at\n  ")
    assert isinstance(caught.value, TimeoutError)
    await worker.shutdown()


async def test_a_worker_that_never_starts_is_waited_for_for_a_minute():
    with pytest.raises(WaitTimeoutError, match="for 60 seconds, to be running: it is init"):
        await wait_for_state(worker_with(), RUNNING)
    assert now() == 60


async def test_without_a_limit_it_waits_as_long_as_it_takes():
    worker = await started()
    wait = await begun(wait_for_state(worker, STOPPED, timeout=inf))
    await asyncio.sleep(24 * 3600)
    await worker.shutdown()
    assert await wait is STOPPED


@pytest.mark.parametrize("state", WorkerState)
async def test_what_an_ended_worker_cannot_become_any_more_is_refused_at_once(state: WorkerState):
    async with worker_with(name="mailer") as worker:
        pass
    if state is STOPPED:
        assert await wait_for_state(worker, state) is state
        return
    text = "worker 'mailer' will never be .* any more: it is stopped"
    with pytest.raises(UnreachableStateError, match=text) as caught:
        await wait_for_state(worker, state)
    assert (caught.value.state, caught.value.states) == (STOPPED, {state})
    assert caught.value.__cause__ is None


async def test_a_wait_fails_as_soon_as_its_state_cannot_come_any_more_with_what_ended_the_worker():
    error = ValueError("no route")

    async def fail_later(_: Worker) -> None:
        await asyncio.sleep(5)
        raise error

    worker = await started(run=fail_later)
    with pytest.raises(UnreachableStateError, match="never be stopped .* it is failed") as caught:
        await wait_for_state(worker, STOPPED)
    assert caught.value.__cause__ is error
    assert now() == 5


async def test_running_is_out_of_reach_from_the_request_to_stop_on():
    worker = await started(run=deaf)
    wait = await begun(wait_for_state(worker, INIT, FAILED))
    worker.gracefully_stop()
    with pytest.raises(UnreachableStateError, match="never be init or running any more: it is sto"):
        await wait_for_state(worker, RUNNING, INIT)
    with pytest.raises(UnreachableStateError, match="it is force-stopped"):
        await wait
    await asyncio.sleep(3600)


@pytest.mark.parametrize("state", WorkerState)
def test_what_can_be_reached_is_what_the_table_of_moves_leads_to(state: WorkerState):
    reachable = reachable_from(state)
    assert state in reachable
    assert all(set(TRANSITIONS[source].values()) <= reachable for source in reachable)
    assert reachable_from(INIT) == set(WorkerState)
    assert reachable_from(STOPPING) == {STOPPING, *FINAL_STATES}
    assert all(reachable_from(final) == {final} for final in FINAL_STATES)


def test_a_move_that_the_table_gets_is_a_way(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(TRANSITIONS, FAILED, {"revive": INIT})
    assert RUNNING in reachable_from(FAILED)


@pytest.mark.parametrize("states", [(), ("running",), (None,), (RUNNING, 1)])
async def test_what_is_no_state_is_refused_with_what_to_write(states: Any):
    text = r"as in  wait_for_state\(worker, WorkerState\.RUNNING\)"
    with pytest.raises(FluidValueError, match=text):
        await wait_for_state(worker_with(), *states)


@pytest.mark.parametrize("timeout", [-1, nan, None, "5", True])
async def test_a_time_out_that_is_no_duration_is_refused(timeout: Any):
    with pytest.raises(FluidValueError, match=r"timeout of wait_for_state\(\) is not a number"):
        await wait_for_state(worker_with(), INIT, timeout=timeout)
    with pytest.raises(FluidValueError, match=r"timeout of wait_for_event\(\) is not a number"):
        await wait_for_event(worker_with(), WorkerEvent, timeout=timeout)


@pytest.mark.real
def test_a_worker_of_another_loop_is_refused():
    worker = worker_with()

    async def wait() -> None:
        with pytest.raises(WrongLoopError, match="wait_for_state"):
            await wait_for_state(worker, STOPPED)

    with asyncio.Runner() as home, asyncio.Runner() as abroad:
        home.run(worker.startup())
        abroad.run(wait())
        home.run(worker.shutdown())


# Events


async def test_an_event_is_returned_as_it_was_emitted():
    worker = worker_with()
    wait = await begun(wait_for_event(worker, WorkerReady))
    await worker.startup()
    assert await wait is worker.events[1]
    await worker.shutdown()


async def test_a_base_class_waits_for_every_event_below_it():
    worker = await started(run=raising(ValueError("no")))
    event = await wait_for_event(worker, WorkerEnded)
    assert isinstance(event, WorkerFailed)


async def test_where_picks_among_the_events_of_a_type():
    first, second = worker_with(name="first"), worker_with(name="second")
    group = Workers(first, second, name="group")
    wait = await begun(
        wait_for_event(group, WorkerReady, where=lambda event: event.path == "group/second")
    )
    async with group:
        assert (await wait).path == "group/second"


async def test_where_is_asked_at_the_moment_of_the_event():
    worker = worker_with(run=at_once)
    seen: list[WorkerState] = []

    def look(_: WorkerEvent) -> bool:
        seen.append(worker.worker_state)
        return len(seen) == 4

    wait = await begun(wait_for_event(worker, WorkerEvent, where=look))
    await worker.startup()
    assert isinstance(await wait, WorkerStopped)
    assert seen == [RUNNING, RUNNING, STOPPING, STOPPED]


async def test_an_exception_of_where_reaches_the_one_who_waits_and_is_freed_at_once():
    worker = worker_with()

    def broken(_: WorkerEvent) -> bool:
        raise ZeroDivisionError("in where")

    async def wait() -> weakref.ref[BaseException]:
        try:
            await wait_for_event(worker, WorkerStarted, where=broken)
        except ZeroDivisionError as error:
            error.args = (Witness(),)
            return weakref.ref(error.args[0])
        raise AssertionError

    task = await begun(wait())
    gc.disable()
    try:
        async with worker:
            assert (await task)() is None
    finally:
        gc.enable()


class Witness:
    """Can be referred to weakly, and tells so whether an exception is still there."""


async def test_what_has_been_emitted_before_does_not_come_again():
    worker = await started(name="mailer")
    with pytest.raises(WaitTimeoutError, match="to tell of WorkerStarted: it is running"):
        await wait_for_event(worker, WorkerStarted, timeout=5)
    assert now() == 5
    wait = await begun(wait_for_event(worker, WorkerStopping, timeout=inf))
    await worker.shutdown()
    assert (await wait).at == 5


@pytest.mark.parametrize("event_type", [Worker, "WorkerStarted", None, RUNNING])
async def test_what_is_no_class_of_events_is_refused_with_what_to_write(event_type: Any):
    with pytest.raises(FluidValueError, match=r"as in  wait_for_event\(worker, WorkerReady\)"):
        await wait_for_event(worker_with(), event_type)


def test_a_wait_and_its_time_out_leave_nothing_behind():
    async def main() -> None:
        worker = await started()
        with pytest.raises(WaitTimeoutError):
            await wait_for_state(worker, STOPPED, timeout=1)
        await worker.shutdown()
        await wait_for_state(worker, STOPPED)

    run(main)
