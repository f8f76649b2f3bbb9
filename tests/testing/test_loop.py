"""What the virtual loop promises about time, and about what runs next."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from fluid.testing import DeadlockError, HorizonError, LivelockError, VirtualLoop, run

DAY = 24 * 3600.0
YEAR = 365 * DAY


def now() -> float:
    return asyncio.get_running_loop().time()


def recorder() -> tuple[list[Any], Callable[[Any], None]]:
    """Returns a list, and a callback that appends the instant and what it is given."""
    seen: list[Any] = []
    return seen, lambda what: seen.append((now(), what))


async def spin() -> None:
    while True:
        await asyncio.sleep(0)


# Time


async def test_time_starts_at_zero():
    assert now() == 0.0


async def test_time_stands_still_while_callbacks_are_ready():
    for _ in range(1000):
        await asyncio.sleep(0)
    assert now() == 0.0


async def test_time_jumps_exactly_to_the_next_timer():
    await asyncio.sleep(1.25)
    assert now() == 1.25


@pytest.mark.parametrize("instant", [1.001, 8.2, 16.1, 3e-9])
async def test_an_instant_is_rounded_to_the_nearest_nanosecond(instant: float):
    reached = asyncio.Event()
    asyncio.get_running_loop().call_at(instant, reached.set)
    await reached.wait()
    assert now() == instant


async def test_ten_sleeps_of_a_tenth_end_at_one():
    for _ in range(10):
        await asyncio.sleep(0.1)
    assert now() == 1.0


async def test_ten_thousand_sleeps_of_a_tenth_do_not_drift():
    for _ in range(10_000):
        await asyncio.sleep(0.1)
    assert now() == 1_000.0


@pytest.mark.virtual(horizon=math.inf)
async def test_sleeps_do_not_drift_where_floats_are_coarser_than_a_nanosecond():
    await asyncio.sleep(20 * YEAR)
    for _ in range(10_000):
        await asyncio.sleep(0.1)
    assert now() == 20 * YEAR + 1000.0


async def test_time_of_day_advances_with_the_virtual_time():
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    before = loop.wall_time()
    await asyncio.sleep(DAY)
    assert loop.wall_time() == before + DAY


@pytest.mark.parametrize("delay", [1e-17, 1e-10, 4e-10])
async def test_a_delay_above_zero_moves_time(delay: float):
    await asyncio.sleep(delay)
    assert now() == 1e-9


async def test_an_instant_ahead_is_never_reached_without_time_moving():
    await asyncio.sleep(0.3)
    loop, reached = asyncio.get_running_loop(), asyncio.Event()
    deadline = 0.1 + 0.2
    assert deadline > now()
    loop.call_at(deadline, reached.set)
    await reached.wait()
    assert now() >= deadline


async def test_an_infinite_delay_is_never_due():
    never = asyncio.get_running_loop().call_later(math.inf, pytest.fail)
    assert never.when() == math.inf
    await asyncio.sleep(DAY)
    never.cancel()


async def test_a_delay_that_is_not_a_number_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        asyncio.get_running_loop().call_later(math.nan, pytest.fail)


# Order


async def test_callbacks_run_first_in_first_out():
    seen, see = recorder()
    for number in range(5):
        asyncio.get_running_loop().call_soon(see, number)
    await asyncio.sleep(0)
    assert seen == [(0.0, number) for number in range(5)]


async def test_timers_run_in_the_order_of_their_instants():
    seen, see = recorder()
    for delay in (3.0, 1.0, 2.0):
        asyncio.get_running_loop().call_later(delay, see, "timer")
    await asyncio.sleep(4)
    assert seen == [(1.0, "timer"), (2.0, "timer"), (3.0, "timer")]


async def test_timers_due_at_one_instant_run_in_the_order_in_which_they_were_set():
    loop = asyncio.get_running_loop()
    seen, see = recorder()
    for number in range(100):
        loop.call_later(0.3, see, number)
        loop.call_at(0.3, see, -number)
    await asyncio.sleep(1)
    assert seen == [(0.3, sign * number) for number in range(100) for sign in (1, -1)]


async def test_all_timers_due_at_one_instant_run_before_what_they_schedule():
    loop = asyncio.get_running_loop()
    seen: list[str] = []

    def timer(name: str) -> None:
        seen.append(name)
        loop.call_soon(seen.append, f"after {name}")

    loop.call_later(1, timer, "first")
    loop.call_later(1, timer, "second")
    await asyncio.sleep(2)
    assert seen == ["first", "second", "after first", "after second"]


async def test_a_timer_that_is_due_now_is_not_starved_by_ready_callbacks():
    done = asyncio.Event()
    asyncio.get_running_loop().call_later(0, done.set)
    while not done.is_set():
        await asyncio.sleep(0)
    assert now() == 0.0


async def test_a_timer_set_for_the_past_runs_at_once():
    await asyncio.sleep(5)
    seen, see = recorder()
    asyncio.get_running_loop().call_at(1, see, "late")
    asyncio.get_running_loop().call_later(-1, see, "negative")
    await asyncio.sleep(1)
    assert seen == [(5.0, "late"), (5.0, "negative")]


async def test_a_cancelled_timer_neither_runs_nor_moves_time():
    loop = asyncio.get_running_loop()
    loop.call_later(1, pytest.fail).cancel()
    await asyncio.sleep(3)
    same_instant = loop.call_later(2, pytest.fail)
    loop.call_at(5, same_instant.cancel)
    same_instant.cancel()
    await asyncio.sleep(2)
    assert now() == 5.0


async def test_a_timer_can_be_cancelled_by_another_of_its_instant():
    loop = asyncio.get_running_loop()
    handles: list[asyncio.TimerHandle] = []
    loop.call_later(1, lambda: handles[0].cancel())
    handles.append(loop.call_later(1, pytest.fail))
    await asyncio.sleep(2)


async def test_cancelled_timers_do_not_pile_up():
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    for _ in range(10_000):
        async with asyncio.timeout(DAY):
            await asyncio.sleep(0.001)
    assert len(loop._timers) < 10
    assert loop.live_timers() == []


@pytest.mark.parametrize("seed", range(10))
async def test_the_count_of_cancelled_timers_is_kept_right(seed: int):
    loop, rng = asyncio.get_running_loop(), random.Random(seed)
    assert isinstance(loop, VirtualLoop)
    timers: list[asyncio.TimerHandle] = []
    for _ in range(1000):
        timers.append(loop.call_later(rng.randrange(20), lambda: rng.choice(timers).cancel()))
        rng.choice(timers).cancel()
        if rng.random() < 0.3:
            await asyncio.sleep(rng.randrange(5))
        cancelled = sum(timer.cancelled() for _, _, timer in loop._timers)
        assert loop._timer_cancelled_count == cancelled
    for timer in timers:
        timer.cancel()


async def test_live_timers_are_listed_in_the_order_they_will_be_due():
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    first, last, middle, cancelled = (loop.call_later(t, pytest.fail) for t in (1, 4, 3, 5))
    cancelled.cancel()
    assert loop.live_timers() == [first, middle, last]
    for timer in (first, middle, last):
        timer.cancel()


def test_a_closed_loop_has_forgotten_its_timers():
    loop = VirtualLoop()
    loop.call_later(1, pytest.fail)
    loop.close()
    assert loop.live_timers() == []


def test_stop_ends_the_loop_after_the_pass_in_which_it_was_called():
    loop = VirtualLoop()
    seen: list[str] = []
    loop.call_soon(loop.stop)
    loop.call_soon(seen.append, "same pass")
    loop.call_soon(lambda: loop.call_soon(seen.append, "next pass"))
    loop.run_forever()
    loop.close()
    assert seen == ["same pass"]


def test_stop_before_anything_is_ready_ends_the_loop_without_a_verdict():
    loop = VirtualLoop()
    loop.stop()
    loop.run_forever()
    loop.close()


@pytest.mark.real
@pytest.mark.parametrize("seed", range(20))
def test_callbacks_run_in_the_order_in_which_asyncio_runs_them(seed: int):
    async def program() -> list[tuple[int, int]]:
        rng, loop = random.Random(seed), asyncio.get_running_loop()
        queue: asyncio.Queue[int] = asyncio.Queue(maxsize=2)
        lock = asyncio.Lock()
        log: list[tuple[int, int]] = []

        async def walk(me: int) -> None:
            for step in range(20):
                match rng.randrange(6):
                    case 0:
                        await asyncio.sleep(0)
                    case 1:
                        async with lock:
                            await asyncio.sleep(0)
                    case 2 if not queue.full():
                        await queue.put(step)
                    case 3 if not queue.empty():
                        await queue.get()
                    case 4:
                        loop.call_soon(log.append, (me, -step))
                    case _:
                        loop.call_later(0, log.append, (me, -step))
                log.append((me, step))

        await asyncio.gather(*(walk(me) for me in range(5)))
        return log

    assert run(program) == asyncio.run(program())


# Verdicts


async def waiting_for_what_never_comes() -> None:
    await asyncio.Event().wait()


def test_deadlock_names_every_task_and_the_line_where_it_awaits():
    async def main() -> None:
        await asyncio.sleep(2.5)
        async with asyncio.TaskGroup() as group:
            group.create_task(waiting_for_what_never_comes(), name="worker app/ingest")

    with pytest.raises(DeadlockError, match=r"at 2\.5 seconds") as caught:
        run(main)
    first, second = caught.value.tasks
    assert (first.name, second.name) == ("main", "worker app/ingest")
    line = waiting_for_what_never_comes.__code__.co_firstlineno + 1
    assert f"test_loop.py:{line} in waiting_for_what_never_comes" in second.stack[0]
    assert second.site.endswith("in Event.wait")
    assert all(line in str(caught.value) for task in caught.value.tasks for line in task.stack)


def test_deadlock_lists_tasks_in_the_order_in_which_they_were_made():
    async def main() -> None:
        await asyncio.gather(*(waiting_for_what_never_comes() for _ in range(11)))

    with pytest.raises(DeadlockError) as caught:
        run(main)
    assert [task.name for task in caught.value.tasks] == [
        "main",
        *(f"task-{n}" for n in range(2, 13)),
    ]


def test_waiting_for_infinity_is_a_deadlock():
    with pytest.raises(DeadlockError):
        run(asyncio.sleep(math.inf))


def test_a_cancelled_timer_does_not_hide_a_deadlock():
    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(1, pytest.fail).cancel()
        for _ in range(5):
            loop.call_later(math.inf, pytest.fail)
        await waiting_for_what_never_comes()

    with pytest.raises(DeadlockError, match=r"at 0\.0 seconds"):
        run(main)


def test_livelock_names_the_tasks_and_what_would_run_next():
    with pytest.raises(LivelockError, match="a step of main") as caught:
        run(spin)
    assert caught.value.tasks[0].name == "main"


def test_livelock_of_bare_callbacks_names_them():
    async def main() -> None:
        def again() -> None:
            asyncio.get_running_loop().call_soon(again)

        again()
        await asyncio.sleep(1)

    with pytest.raises(LivelockError, match=r"ready to run next: \S*again"):
        run(main)


@pytest.mark.parametrize(("callbacks", "fits"), [(998, True), (1100, False)])
def test_livelock_begins_above_its_limit(callbacks: int, fits: bool):
    async def main() -> str:
        for _ in range(callbacks):
            await asyncio.sleep(0)
        return "ended"

    if fits:
        assert run(main, livelock_after=1000) == "ended"
    else:
        with pytest.raises(LivelockError, match="more than 1000 callbacks"):
            run(main, livelock_after=1000)


@pytest.mark.virtual(livelock_after=100)
async def test_livelock_counts_anew_whenever_time_moves():
    for _ in range(1000):
        await asyncio.sleep(0.001)


def test_horizon_is_the_last_instant_that_can_be_reached():
    assert run(asyncio.sleep(60, "there"), horizon=60) == "there"
    with pytest.raises(HorizonError, match=r"due at 61\.0 seconds, beyond the horizon at 60\.0"):
        run(asyncio.sleep(61), horizon=60)


def test_horizon_counts_from_where_the_loop_starts_to_run():
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(horizon=60)) as runner:
        for _ in range(3):
            runner.run(asyncio.sleep(60))
        assert runner.get_loop().time() == 180.0


def test_horizon_catches_a_wait_beside_a_timer_that_ticks_for_ever():
    async def main() -> None:
        def tick() -> None:
            asyncio.get_running_loop().call_later(3600, tick)

        tick()
        await waiting_for_what_never_comes()

    with pytest.raises(HorizonError) as caught:
        run(main)
    assert [task.name for task in caught.value.tasks] == ["main"]


def test_without_a_horizon_a_century_passes():
    assert run(asyncio.sleep(100 * YEAR, "there"), horizon=math.inf) == "there"


async def wait_too_long() -> None:
    await asyncio.sleep(YEAR)


@pytest.mark.parametrize("main", [waiting_for_what_never_comes, spin, wait_too_long])
def test_cleanup_has_room_to_run_after_every_verdict(
    main: Callable[[], Coroutine[Any, Any, None]],
):
    seen: list[float] = []

    async def with_cleanup() -> None:
        try:
            await main()
        finally:
            for _ in range(1000):
                await asyncio.sleep(0)
            await asyncio.sleep(5)
            seen.append(now())

    with pytest.raises((DeadlockError, LivelockError, HorizonError)) as caught:
        run(with_cleanup)
    assert seen == [5.0]
    assert not hasattr(caught.value, "__notes__")
