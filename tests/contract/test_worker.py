"""``Worker``: every member in every state, starting, stopping, and waiting for the end."""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import traceback
import weakref
from collections.abc import Awaitable, Callable, Iterator
from math import inf

import pytest

import fluid.testing
from fluid.utils.errors import WorkerStartError
from fluid.utils.worker import Worker, WorkerState
from tests.contract.cast import (
    BoomError,
    Brief,
    Deaf,
    Failing,
    Idle,
    Recorder,
    end_of,
    for_ever,
    raising,
    worker_in,
)

INIT, RUNNING, STOPPING, STOPPED, FORCE_STOPPED, FAILED = WorkerState
FINAL = [STOPPED, FORCE_STOPPED, FAILED]


def loop_time() -> float:
    return asyncio.get_running_loop().time()


async def suspended(seconds: float) -> None:
    await asyncio.sleep(seconds)


# --- what the members are ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["worker_state", "worker_name", "num_workers"])
def test_state_name_and_number_are_properties(name: str) -> None:
    assert isinstance(inspect.getattr_static(Worker, name), property)


@pytest.mark.parametrize(
    "name", ["has_started", "is_running", "is_stopping", "is_stopped", "gracefully_stop", "workers"]
)
def test_questions_and_the_request_to_stop_are_plain_methods_without_arguments(name: str) -> None:
    method = getattr(Worker, name)
    assert list(inspect.signature(method).parameters) == ["self"]
    assert not inspect.iscoroutinefunction(method)


@pytest.mark.parametrize(
    "name",
    ["run", "on_startup", "on_shutdown", "startup", "shutdown", "wait_for_shutdown", "status"],
)
def test_what_takes_time_is_async_and_takes_no_arguments(name: str) -> None:
    method = getattr(Worker, name)
    assert list(inspect.signature(method).parameters) == ["self"]
    assert inspect.iscoroutinefunction(method)


def test_after_shutdown_is_a_plain_hook_with_a_reason_and_a_code() -> None:
    assert list(inspect.signature(Worker.after_shutdown).parameters) == ["self", "reason", "code"]
    assert not inspect.iscoroutinefunction(Worker.after_shutdown)


# --- each member in each state -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "answers"),
    [
        #                has_started, is_running, is_stopping, is_stopped
        (INIT, (False, False, False, False)),
        (RUNNING, (True, True, False, False)),
        (STOPPING, (True, False, True, False)),
        (STOPPED, (True, False, False, True)),
        (FORCE_STOPPED, (True, False, False, True)),
        (FAILED, (True, False, False, True)),
    ],
)
async def test_questions_about_the_state_have_one_answer_each(
    state: WorkerState, answers: tuple[bool, ...]
) -> None:
    async with worker_in(state) as worker:
        questions = worker.has_started, worker.is_running, worker.is_stopping, worker.is_stopped
        assert tuple(ask() for ask in questions) == answers
        assert worker.worker_state is state


@pytest.mark.parametrize("state", WorkerState)
async def test_single_worker_counts_one_and_yields_itself_in_every_state(
    state: WorkerState,
) -> None:
    async with worker_in(state) as worker:
        assert worker.num_workers == 1
        assert isinstance(worker.workers(), Iterator)
        assert list(worker.workers()) == [worker]
        assert worker.worker_name == "subject"


@pytest.mark.parametrize("state", WorkerState)
async def test_status_is_json_and_says_whether_it_runs_or_stops_in_every_state(
    state: WorkerState,
) -> None:
    async with worker_in(state) as worker:
        status = await worker.status()
    assert status["running"] is (state is RUNNING)
    assert status["stopping"] is (state is STOPPING)
    assert json.loads(json.dumps(status, allow_nan=False)) == status


@pytest.mark.parametrize("state", [INIT, STOPPING, *FINAL])
async def test_request_to_stop_changes_nothing_in_any_state_but_running(state: WorkerState) -> None:
    async with worker_in(state) as worker:
        worker.gracefully_stop()
        assert worker.worker_state is state


@pytest.mark.parametrize("state", FINAL)
async def test_request_to_stop_after_the_end_never_takes_effect(state: WorkerState) -> None:
    async with worker_in(state) as worker:
        record = worker.worker_exit
        worker.gracefully_stop()
        await asyncio.sleep(60)
        assert worker.worker_state is state
        assert worker.worker_exit is record


async def test_request_to_stop_makes_running_stopping_at_once_and_does_not_wait() -> None:
    worker = Recorder(run=for_ever)
    await worker.startup()
    await asyncio.sleep(0)
    worker.gracefully_stop()
    assert worker.worker_state is STOPPING
    assert worker.is_stopping()
    assert worker.journal == ["on_startup", "run"]
    await asyncio.sleep(1)
    assert worker.worker_state is STOPPING
    await worker.shutdown()


async def test_request_to_stop_before_the_start_is_forgotten() -> None:
    worker = Idle()
    worker.gracefully_stop()
    async with worker:
        assert worker.is_running()


async def test_worker_that_looks_at_its_state_ends_by_itself_after_a_request() -> None:
    class Polite(Worker):
        async def run(self) -> None:
            while self.is_running():
                await asyncio.sleep(1)

    worker = Polite()
    await worker.startup()
    asyncio.get_running_loop().call_later(4.5, worker.gracefully_stop)
    await worker.wait_for_shutdown()
    assert loop_time() == 5
    assert worker.worker_state is STOPPED


# --- starting ------------------------------------------------------------------------------------


async def test_startup_returns_when_on_startup_has_ended_and_not_before() -> None:
    worker = Recorder(on_startup=lambda: suspended(3), run=for_ever)
    await worker.startup()
    assert loop_time() == 3
    assert worker.worker_state is RUNNING
    await worker.shutdown()


@pytest.mark.parametrize(
    "on_startup",
    [None, lambda: suspended(0), lambda: suspended(1)],
    ids=["no suspension", "one step", "one second"],
)
@pytest.mark.parametrize(
    "run",
    [None, raising(BoomError()), raising(asyncio.CancelledError())],
    ids=["returns", "raises", "cancels itself"],
)
async def test_worker_is_running_right_after_startup_even_if_run_ends_or_raises_at_once(
    on_startup: Callable[[], Awaitable[object]] | None,
    run: Callable[[], Awaitable[object]] | None,
) -> None:
    worker = Recorder(on_startup=on_startup, run=run)
    await worker.startup()
    assert worker.worker_state is RUNNING
    assert worker.is_running()
    await end_of(worker)
    assert worker.worker_state is (STOPPED if run is None else FAILED)


@pytest.mark.parametrize("make", [Brief, lambda: Failing(BoomError())], ids=["returns", "raises"])
async def test_worker_without_hooks_is_running_right_after_startup_too(
    make: Callable[[], Worker],
) -> None:
    worker = make()
    await worker.startup()
    assert worker.worker_state is RUNNING
    await end_of(worker)
    assert worker.is_stopped()


async def test_start_through_a_subclass_that_calls_super_returns_running_as_well() -> None:
    class Announced(Brief):
        async def startup(self) -> None:
            await super().startup()

    worker = Announced()
    await worker.startup()
    assert worker.worker_state is RUNNING
    await worker.wait_for_shutdown()


async def test_body_of_async_with_finds_a_running_worker_even_if_run_ends_at_once() -> None:
    async with Brief() as worker:
        assert worker.worker_state is RUNNING
    assert worker.worker_state is STOPPED


async def test_error_of_on_startup_is_raised_by_startup_after_cleanup() -> None:
    error = BoomError("no database")
    worker = Recorder(on_startup=raising(error))
    with pytest.raises(BoomError) as caught:
        await worker.startup()
    assert caught.value is error
    assert worker.worker_state is FAILED
    assert worker.journal == ["on_startup", ("after_shutdown", "no database", 2)]


@pytest.mark.parametrize("state", [RUNNING, STOPPING, *FINAL])
async def test_second_start_is_refused_in_every_state_and_changes_nothing(
    state: WorkerState,
) -> None:
    async with worker_in(state) as worker:
        with pytest.raises(WorkerStartError, match=r"^worker 'subject' cannot start: it is "):
            await worker.startup()
        assert worker.worker_state is state


async def test_second_start_is_refused_while_the_first_is_under_way() -> None:
    worker = Recorder(on_startup=lambda: suspended(5), run=for_ever)
    first = asyncio.ensure_future(worker.startup())
    await asyncio.sleep(1)
    with pytest.raises(WorkerStartError):
        await worker.startup()
    assert loop_time() == 1
    await first
    assert worker.journal == ["on_startup", "run"]
    await worker.shutdown()


async def test_of_many_starts_at_once_exactly_one_succeeds() -> None:
    worker = Idle()
    ends = await asyncio.gather(*(worker.startup() for _ in range(10)), return_exceptions=True)
    assert ends.count(None) == 1
    assert sum(isinstance(end, WorkerStartError) for end in ends) == 9
    assert worker.is_running()
    await worker.shutdown()


async def test_async_with_starts_and_so_refuses_a_worker_that_has_started() -> None:
    async with Idle() as worker:
        with pytest.raises(WorkerStartError):
            async with worker:
                pytest.fail("there was no second start to get here by")
        assert worker.is_running()


# --- stopping ------------------------------------------------------------------------------------


async def test_shutdown_asks_and_waits_for_the_end() -> None:
    worker = Recorder(run=for_ever, on_shutdown=lambda: suspended(2), stopping_grace_period=3)
    await worker.startup()
    await worker.shutdown()
    assert loop_time() == 5
    assert worker.worker_state is FORCE_STOPPED


@pytest.mark.parametrize("number", [1, 2, 50])
async def test_callers_of_shutdown_share_one_stop(number: int) -> None:
    worker = Recorder(run=for_ever, stopping_grace_period=3)
    await worker.startup()
    await asyncio.gather(*(worker.shutdown() for _ in range(number)))
    assert loop_time() == 3
    assert worker.journal.count("on_shutdown") == 1


@pytest.mark.parametrize("state", FINAL)
async def test_shutdown_after_the_end_returns_or_raises_what_the_end_was(
    state: WorkerState,
) -> None:
    async with worker_in(state) as worker:
        if state is FAILED:
            with pytest.raises(BoomError):
                await worker.shutdown()
        else:
            await worker.shutdown()
        assert worker.worker_state is state


async def test_shutdown_of_a_worker_never_started_returns_at_once_and_leaves_it_startable() -> None:
    worker = Idle()
    await worker.shutdown()
    assert worker.worker_state is INIT
    async with worker:
        assert worker.is_running()


async def test_async_with_gives_the_worker_and_stops_it_at_the_end_of_the_body() -> None:
    worker = Idle()
    async with worker as given:
        assert given is worker
        assert worker.is_running()
    assert worker.worker_state is STOPPED


@pytest.mark.parametrize(
    "own", [BoomError("own"), SystemExit("own"), asyncio.CancelledError("own")], ids=repr
)
async def test_error_of_the_body_is_never_replaced_by_the_workers_own(own: BaseException) -> None:
    body = BoomError("body")

    async def use() -> None:
        async with Failing(own):
            await asyncio.sleep(1)
            raise body

    with pytest.raises(BoomError) as caught:
        await use()
    assert caught.value is body
    assert "failed too" in "".join(caught.value.__notes__)


async def test_cancel_of_the_caller_is_not_lost_in_the_stop_after_a_failed_body() -> None:
    async def use() -> None:
        async with Deaf(stopping_grace_period=5):
            raise BoomError("body")

    user = asyncio.ensure_future(use())
    await asyncio.sleep(1)
    user.cancel()
    await asyncio.wait([user])
    assert user.cancelled()
    await asyncio.sleep(5)


async def test_error_of_the_worker_is_raised_at_the_end_of_a_body_without_one() -> None:
    error = BoomError()
    with pytest.raises(BoomError) as caught:
        async with Failing(error):
            await asyncio.sleep(1)
    assert caught.value is error


async def test_async_with_does_not_interrupt_its_body_when_the_worker_ends() -> None:
    async with Brief() as worker:
        await asyncio.sleep(60)
        assert worker.is_stopped()
    assert loop_time() == 60


# --- waiting -------------------------------------------------------------------------------------


async def test_waiting_for_a_worker_never_started_returns_at_once_and_leaves_it_init() -> None:
    worker = Idle()
    await worker.wait_for_shutdown()
    assert loop_time() == 0
    assert worker.worker_state is INIT
    async with worker:
        assert worker.is_running()


async def test_waiting_does_not_ask_for_the_end() -> None:
    worker = Recorder(run=lambda: suspended(7))
    await worker.startup()
    await worker.wait_for_shutdown()
    assert loop_time() == 7
    assert worker.worker_state is STOPPED


async def test_waiter_gets_the_exception_object_that_run_raised() -> None:
    error = BoomError("boom")
    worker = Failing(error)
    await worker.startup()
    with pytest.raises(BoomError) as caught:
        await worker.wait_for_shutdown()
    assert caught.value is error


@pytest.mark.parametrize("make", [SystemExit, KeyboardInterrupt, BaseException, GeneratorExit])
async def test_waiter_gets_what_run_raised_whatever_it_is(make: type[BaseException]) -> None:
    error = make("boom")
    worker = Failing(error)
    await worker.startup()
    with pytest.raises(make) as caught:
        await worker.wait_for_shutdown()
    assert caught.value is error
    assert worker.worker_state is FAILED


async def test_run_that_raises_cancelled_error_by_itself_cancels_its_waiters_and_is_over() -> None:
    error = asyncio.CancelledError("by myself")
    worker = Failing(error)
    await worker.startup()
    with pytest.raises(asyncio.CancelledError) as caught:
        await worker.wait_for_shutdown()
    assert caught.value is error
    assert worker.is_stopped()
    assert worker.worker_state is FAILED
    with pytest.raises(asyncio.CancelledError):
        await worker.shutdown()


async def test_many_waiters_get_the_same_object_before_the_end_and_long_after() -> None:
    error = BoomError("boom")

    async def fail_later() -> None:
        await asyncio.sleep(10)
        raise error

    worker = Recorder(run=fail_later)
    await worker.startup()
    early = [asyncio.ensure_future(worker.wait_for_shutdown()) for _ in range(100)]
    await asyncio.wait(early)
    await asyncio.sleep(86_400)
    late = [asyncio.ensure_future(worker.wait_for_shutdown()) for _ in range(100)]
    await asyncio.wait(late)
    assert all(waiter.exception() is error for waiter in early + late)


@pytest.mark.parametrize("number", [1, 2, 1000])
async def test_traceback_of_the_error_does_not_grow_with_the_number_of_waiters(number: int) -> None:
    error = BoomError("boom")
    worker = Failing(error)
    await worker.startup()

    async def frames_after(waits: int) -> list[str]:
        for _ in range(waits):
            with pytest.raises(BoomError):
                await worker.wait_for_shutdown()
        return [frame.name for frame in traceback.extract_tb(error.__traceback__)]

    first = await frames_after(1)
    assert "run" in first
    assert await frames_after(number) == first


@pytest.mark.parametrize("number", [0, 1, 100])
async def test_cancelling_a_waiter_touches_neither_the_worker_nor_another_waiter(
    number: int,
) -> None:
    worker = Idle()
    await worker.startup()
    waiters = [asyncio.ensure_future(worker.wait_for_shutdown()) for _ in range(number)]
    patient = asyncio.ensure_future(worker.wait_for_shutdown())
    await asyncio.sleep(1)
    for waiter in waiters:
        waiter.cancel()
    await asyncio.sleep(1)
    assert all(waiter.cancelled() for waiter in waiters)
    assert worker.is_running()
    assert not patient.done()
    await worker.shutdown()
    await patient


async def test_cancelling_a_caller_of_shutdown_leaves_the_stop_going_on() -> None:
    worker = Deaf(stopping_grace_period=5)
    await worker.startup()
    caller = asyncio.ensure_future(worker.shutdown())
    await asyncio.sleep(1)
    caller.cancel()
    await worker.wait_for_shutdown()
    assert loop_time() == 5
    assert caller.cancelled()
    assert worker.worker_state is FORCE_STOPPED


def test_end_of_a_worker_is_told_on_every_loop_also_when_its_own_is_closed() -> None:
    failed, stopped = Failing(BoomError("boom")), Brief()

    async def live() -> None:
        for worker in (failed, stopped):
            await worker.startup()
            await end_of(worker)

    async def ask() -> None:
        for verb in (failed.wait_for_shutdown, failed.shutdown):
            with pytest.raises(BoomError):
                await verb()
        await stopped.wait_for_shutdown()
        await stopped.shutdown()
        stopped.gracefully_stop()

    fluid.testing.run(live)
    fluid.testing.run(ask)
    assert (failed.worker_state, stopped.worker_state) == (FAILED, STOPPED)


async def test_forced_stop_is_no_error_to_a_waiter() -> None:
    worker = Deaf(stopping_grace_period=0)
    await worker.startup()
    worker.gracefully_stop()
    await worker.wait_for_shutdown()
    assert worker.worker_state is FORCE_STOPPED


async def test_run_that_returns_ends_the_worker_and_its_waiters_without_any_request() -> None:
    worker = Brief()
    await worker.startup()
    await worker.wait_for_shutdown()
    assert worker.worker_state is STOPPED


# --- what is left of it --------------------------------------------------------------------------


async def test_worker_that_has_ended_is_freed_with_its_last_user() -> None:
    gc.collect()
    gc.disable()
    try:
        worker = Idle()
        seen = weakref.ref(worker)
        async with worker:
            await asyncio.sleep(1)
        del worker
        await asyncio.sleep(1)
        assert seen() is None
    finally:
        gc.enable()


async def test_worker_that_was_never_started_leaves_nothing_behind() -> None:
    seen = weakref.ref(Idle(stopping_grace_period=inf))
    assert seen() is None
