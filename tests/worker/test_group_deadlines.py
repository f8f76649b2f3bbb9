"""How long the stop of a group takes: bounds that add up, and deadlines that are passed down."""

from __future__ import annotations

import asyncio
from math import inf

import pytest

from fluid import CleanupTimeoutError, FluidValueError, Workers, WorkerState
from fluid.events import BudgetShrunk, WorkerStopping
from tests.worker.fakes import Recorded, at_once, deaf, forever, now, raising, worker_with
from tests.worker.group_cast import Idle, child, children, end_of, ends_of


class OwnCode(Workers):
    """A group with code of its own after its children."""

    async def on_shutdown(self) -> None:
        await asyncio.sleep(inf)


def stubborn(name: str, bound: float = 10.0) -> Recorded:
    """Returns a child that takes all the time it can get: it ignores every cancel."""
    worker = child(name, run=deaf, stopping_grace_period=bound - 2)
    worker.cleanup_period = 0.0
    return worker


async def tired(*_) -> None:
    """Waits until the stubborn ones have had enough, so that the loop can end."""
    await asyncio.sleep(4000)


# --- bounds --------------------------------------------------------------------------------------


@pytest.mark.parametrize("graces", [(), (3,), (3, 10, 1)])
def test_a_groups_bound_is_the_longest_of_its_children_or_their_sum_in_order(graces) -> None:
    def members():
        return [Idle(name=f"{grace}", stopping_grace_period=grace) for grace in graces]

    bounds = [grace + 2 + 5 for grace in graces]
    assert Workers(*members()).worker_stop_bound == max(bounds, default=0)
    assert Workers(*members(), stop_in_reverse=True).worker_stop_bound == sum(bounds)


def test_a_groups_bound_follows_those_that_are_added() -> None:
    group = Workers(Idle(stopping_grace_period=1))
    outer = Workers(group, stop_in_reverse=True)
    assert outer.worker_stop_bound == 8
    group.add_workers(Idle(stopping_grace_period=2))
    outer.add_workers(Idle(stopping_grace_period=3))
    assert outer.worker_stop_bound == 9 + 10


def test_a_given_grace_is_the_most_that_a_group_takes() -> None:
    members = [Idle(), Idle()]
    assert Workers(*members, stopping_grace_period=20).worker_stop_bound == 17
    members = [Idle(), Idle()]
    group = Workers(*members, stopping_grace_period=20, stop_in_reverse=True)
    assert group.worker_stop_bound == 20
    assert Workers(stopping_grace_period=20).worker_stop_bound == 0


def test_without_a_given_grace_a_group_has_none_of_its_own(monkeypatch) -> None:
    monkeypatch.setenv("FLUID_STOPPING_GRACE_PERIOD", "3")
    assert Workers(Idle()).worker_stop_bound == 3 + 7
    assert Workers(Idle(stopping_grace_period=30)).worker_stop_bound == 37
    assert Workers(Workers(Idle(stopping_grace_period=30))).worker_stop_bound == 37


def test_one_child_without_a_limit_leaves_the_group_without_one() -> None:
    assert Workers(Idle(), Idle(stopping_grace_period=inf)).worker_stop_bound == inf
    limited = Workers(Idle(stopping_grace_period=inf), stopping_grace_period=9)
    assert limited.worker_stop_bound == 9


def test_a_groups_own_code_has_its_cancels_and_its_cleanup_behind_its_children() -> None:
    group = OwnCode(Idle())
    group.cancel_period, group.cleanup_period = 0.5, 2.0
    assert group.worker_stop_bound == 17 + 3 * 0.5 + 2


@pytest.mark.parametrize("grace", [-1, float("nan"), "10"])
def test_a_grace_that_is_no_duration_is_refused(grace) -> None:
    with pytest.raises(FluidValueError, match="stopping_grace_period of worker 'app'"):
        Workers(name="app", stopping_grace_period=grace)


# --- within a group's own grace ------------------------------------------------------------------


async def test_a_childs_grace_ends_while_its_siblings_have_long_ended() -> None:
    """G02"""
    prompt = child("prompt")
    asleep = child("asleep", run=lambda _: asyncio.sleep(200), stopping_grace_period=1)
    group = Workers(prompt, asleep)
    await group.startup()
    await group.shutdown()
    assert now() == 1
    assert prompt.worker_state is WorkerState.STOPPED
    assert asleep.worker_state is WorkerState.FORCE_STOPPED
    assert group.worker_state is WorkerState.STOPPED


@pytest.mark.parametrize("in_reverse", [False, True], ids=["together", "in order"])
async def test_without_a_deadline_a_child_without_a_limit_is_waited_for(in_reverse: bool) -> None:
    """G01"""
    members = [
        child(name, run=lambda w: _finish_in(w, 500), stopping_grace_period=inf) for name in "ab"
    ]
    group = Workers(*members, stop_in_reverse=in_reverse)
    await group.startup()
    await group.shutdown()
    assert now() == pytest.approx(1000 if in_reverse else 500)
    assert all(member.worker_state is WorkerState.STOPPED for member in members)


async def _finish_in(worker, seconds: float) -> None:
    await worker.sleep(inf)
    await asyncio.sleep(seconds)


@pytest.mark.parametrize("in_reverse", [False, True], ids=["together", "in order"])
@pytest.mark.parametrize("bounds", [(20,), (20, 10, 5), (20, inf), (inf, inf)])
async def test_a_given_grace_holds_whatever_the_children_do(bounds, in_reverse: bool) -> None:
    """G04, G17, PEERS 25"""
    members = [stubborn(f"{number}", bound) for number, bound in enumerate(bounds)]
    group = Workers(*members, stopping_grace_period=8, stop_in_reverse=in_reverse)
    await group.startup()
    await group.shutdown()
    assert now() == pytest.approx(8)
    assert all(member.worker_exit.abandoned for member in members)
    await tired()


async def test_children_that_stop_in_order_shrink_by_one_factor() -> None:
    """G17"""
    members = [stubborn("a", 16), stubborn("b", 4), stubborn("c", 8)]
    group = Workers(*members, stopping_grace_period=14, stop_in_reverse=True)
    instants = [asyncio.ensure_future(_instant_of_stop(member)) for member in members]
    await group.startup()
    await group.shutdown()
    assert [await instant for instant in instants] == [6, 4, 0]
    assert now() == 14
    await tired()


async def _instant_of_stop(worker) -> float:
    stopping = asyncio.get_running_loop().create_future()

    def note(event) -> None:
        if isinstance(event, WorkerStopping) and not stopping.done():
            stopping.set_result(now())

    worker.subscribe(note)
    instant: float = await stopping
    return instant


async def test_what_a_prompt_child_leaves_over_goes_to_the_next_ones() -> None:
    """G17: later children get less, none of them nothing."""
    members = [stubborn("a", 20), *children("bcdefghij")]
    group = Workers(*members, stopping_grace_period=17, stop_in_reverse=True)
    await group.startup()
    await group.shutdown()
    assert now() == pytest.approx(17)
    await tired()


async def test_ten_children_of_ten_seconds_keep_a_deadline_of_25() -> None:
    """G17"""
    members = [stubborn(f"{number}") for number in range(10)]
    group = Workers(*members, name="app", stopping_grace_period=25, stop_in_reverse=True)
    bounds: list[float] = []
    group.subscribe(
        lambda event: bounds.append(event.bound) if isinstance(event, WorkerStopping) else None
    )
    await group.startup()
    await group.shutdown()
    assert now() == pytest.approx(25)
    assert bounds == [pytest.approx(bound) for bound in [25] + [2.5] * 10]
    await tired()


async def test_a_child_without_a_limit_gets_a_fair_share_of_a_deadline() -> None:
    members = [stubborn("endless", inf), stubborn("b", 10), stubborn("c", 10)]
    group = Workers(*members, stopping_grace_period=20, stop_in_reverse=True)
    instants = [asyncio.ensure_future(_instant_of_stop(member)) for member in members]
    await group.startup()
    await group.shutdown()
    assert [await instant for instant in instants] == [10, 5, 0]
    assert now() == 20
    await tired()


async def test_the_cleanup_gets_its_share_of_a_short_time_too() -> None:
    cleaned: list[float] = []

    async def clean(_worker) -> None:
        await asyncio.sleep(0.2)
        cleaned.append(now())

    member = child("a", run=forever, shutdown=clean)
    group = Workers(member, stopping_grace_period=1.7)
    await group.startup()
    await group.shutdown()
    assert cleaned == [pytest.approx(1.2)]
    assert member.worker_state is WorkerState.FORCE_STOPPED


async def test_a_deadline_counts_from_the_stop_not_from_the_start() -> None:
    group = Workers(stubborn("a"), stopping_grace_period=2)
    await group.startup()
    await asyncio.sleep(100)
    await group.shutdown()
    assert now() == pytest.approx(102)
    await tired()


async def test_a_given_grace_also_bounds_the_stop_that_a_childs_end_began() -> None:
    error = ValueError("crash")
    failing = child("failing", run=lambda _: _raise_after(3, error))
    group = Workers(stubborn("a"), failing, stopping_grace_period=2)
    await group.startup()
    assert await end_of(group.wait_for_shutdown()) is error
    assert now() == pytest.approx(5)
    await tired()


async def _raise_after(seconds: float, error: BaseException) -> None:
    await asyncio.sleep(seconds)
    raise error


async def test_a_grace_of_nothing_cuts_everybody_at_once() -> None:
    """F01"""
    members = children("ab", run=forever)
    group = Workers(*members, stopping_grace_period=0)
    await group.startup()
    await group.shutdown()
    assert now() == 0
    assert all(member.worker_state is WorkerState.FORCE_STOPPED for member in members)


async def test_a_group_that_may_have_to_shrink_says_so_once_when_it_starts() -> None:
    told: list[BudgetShrunk] = []
    for graces, grace, expected in (
        ((10, 10), 40, []),
        ((10, 10), 20, [(34, 20)]),
        ((inf,), 20, [(inf, 20)]),
        ((inf,), None, []),
    ):
        members = [Idle(stopping_grace_period=each) for each in graces]
        group = Workers(*members, stopping_grace_period=grace, stop_in_reverse=True)
        told.clear()
        group.subscribe(lambda event: told.append(event) if type(event) is BudgetShrunk else None)
        async with group:
            pass
        assert [(event.needed, event.given) for event in told] == expected


# --- from above ----------------------------------------------------------------------------------


async def test_a_deadline_reaches_the_children_of_children() -> None:
    members = [stubborn("a", inf), stubborn("b", 100)]
    inner = Workers(members[0], name="inner")
    middle = Workers(inner, members[1], name="middle", stop_in_reverse=True)
    group = Workers(middle, name="app", stopping_grace_period=6)
    ends = ends_of(group)
    await group.startup()
    await group.shutdown()
    assert now() == pytest.approx(6)
    assert ends == ["app/middle/b", "app/middle/inner/a", "app/middle/inner", "app/middle", "app"]
    await tired()


async def test_a_smaller_grace_of_an_inner_group_holds_within_a_larger_one() -> None:
    inner = Workers(stubborn("a"), stopping_grace_period=3)
    group = Workers(inner, stubborn("b", 17), stopping_grace_period=10, stop_in_reverse=True)
    await group.startup()
    instant = asyncio.ensure_future(_instant_of_stop(inner))
    await group.shutdown()
    # b needs 17 and inner 3: each gets one half.
    assert await instant == pytest.approx(8.5)
    assert now() == pytest.approx(10)
    await tired()


async def test_an_inner_groups_own_code_has_its_share_of_the_deadline() -> None:
    member = stubborn("a")
    inner = OwnCode(member)
    assert inner.worker_stop_bound == 10 + 3 + 5
    group = Workers(inner, stopping_grace_period=1.8)
    await group.startup()
    await end_of(group.shutdown())
    assert member.worker_exit.duration == pytest.approx(1.0)
    assert 1.0 < now() <= 1.8
    await tired()


@pytest.mark.parametrize("in_reverse", [False, True], ids=["together", "in order"])
@pytest.mark.parametrize("later", [0, 5])
async def test_a_deadline_that_comes_nearer_reaches_those_that_are_stopping_already(
    in_reverse: bool, later: float
) -> None:
    members = [stubborn("a", inf), stubborn("b", 10)]
    inner = Workers(*members, name="inner", stop_in_reverse=in_reverse)
    group = Workers(inner, name="app")
    await group.startup()
    stop = asyncio.ensure_future(group.shutdown())
    await asyncio.sleep(later)
    group._worker.hurry(now() + 4)
    await stop
    assert now() == pytest.approx(later + 4)
    await tired()


@pytest.mark.parametrize("in_reverse", [False, True], ids=["together", "in order"])
async def test_a_deadline_that_is_further_away_changes_nothing(in_reverse: bool) -> None:
    members = [stubborn("a"), stubborn("b")]
    group = Workers(*members, stopping_grace_period=4, stop_in_reverse=in_reverse)
    await group.startup()
    stop = asyncio.ensure_future(group.shutdown())
    await asyncio.sleep(1)
    group._worker.hurry(now() + 100)
    await stop
    assert now() == pytest.approx(4)
    await tired()


async def test_a_nearer_deadline_is_shared_anew() -> None:
    members = [stubborn("endless", inf), stubborn("b", 10)]
    group = Workers(*members, stopping_grace_period=40, stop_in_reverse=True)
    await group.startup()
    instant = asyncio.ensure_future(_instant_of_stop(members[0]))
    stop = asyncio.ensure_future(group.shutdown())
    await asyncio.sleep(0.1)
    group._worker.hurry(now() + 9)
    await stop
    assert now() == pytest.approx(9.1)
    # b has 9 / (9 + 10) of its time, counted from here.
    assert await instant == pytest.approx(0.1 + 9 * 10 / 19, abs=0.1)
    await tired()


async def test_a_nearer_deadline_reaches_a_groups_own_code() -> None:
    group = OwnCode(child("a"))
    await group.startup()
    stop = asyncio.ensure_future(group.shutdown())
    await asyncio.sleep(1)
    group._worker.hurry(now() + 1)
    await end_of(stop)
    assert 1 < now() <= 2


async def test_a_child_that_was_stopping_before_its_group_keeps_the_groups_deadline_too() -> None:
    member = stubborn("a", inf)
    group = Workers(member, child("b"), stopping_grace_period=4)
    await group.startup()
    member.gracefully_stop()
    await asyncio.sleep(10)
    await group.shutdown()
    assert now() == pytest.approx(14)
    await tired()


async def test_a_group_ends_within_its_bound_when_every_child_fails_in_its_clean_up() -> None:
    error = ValueError("clean-up")
    members = children("abc", shutdown=raising(error))
    group = Workers(*members, stop_in_reverse=True)
    await group.startup()
    assert await end_of(group.shutdown()) is error
    assert now() == 0
    assert group.worker_exit.errors == ()  # the same object, told once


async def test_a_child_that_cleans_up_after_its_own_end_keeps_the_deadline_of_its_group() -> None:
    """The end of that child is what stops the group, whose grace is shorter than its cleanup."""
    slow = worker_with(name="slow", run=at_once, shutdown=forever)
    group = Workers(slow, child("other"), name="app", stopping_grace_period=2)
    await group.startup()
    await asyncio.sleep(1)
    began = now()
    with pytest.raises(CleanupTimeoutError):
        await group.shutdown()
    assert now() - began <= 2
