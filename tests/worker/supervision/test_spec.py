"""What a supervisor is told: what can work is accepted, what cannot is refused when it is said."""

from __future__ import annotations

import asyncio
from itertools import product
from math import inf, nan
from typing import Any

import pytest

from fluid import (
    Backoff,
    ChildExists,
    ChildSpec,
    Supervisor,
    Worker,
)
from fluid.rules.restart import Restart
from tests.worker.group_cast import Idle
from tests.worker.supervision.refusals import async_poller, poller, refusal

NO_SECONDS = [-1, -inf, nan, True, "5"]


# --- a child --------------------------------------------------------------------------------------


def test_what_is_not_said_of_a_child_has_a_default_that_can_be_read_back() -> None:
    """S26"""
    spec = ChildSpec(poller)
    assert spec.worker is poller
    assert (spec.id, spec.restart, spec.significant) == ("", Restart.PERMANENT, False)
    assert spec.stopping_grace_period is spec.start_timeout is spec.heartbeat_timeout is None
    assert spec.backoff is None


def test_what_was_said_of_a_child_can_be_read_back_and_not_be_changed() -> None:
    backoff = Backoff(initial=5)
    spec = ChildSpec(
        poller,
        id="orders",
        restart="transient",
        significant=True,
        stopping_grace_period=1,
        start_timeout=2,
        heartbeat_timeout=3,
        backoff=backoff,
    )
    assert (spec.id, spec.restart, spec.significant) == ("orders", Restart.TRANSIENT, True)
    assert (spec.stopping_grace_period, spec.start_timeout, spec.heartbeat_timeout) == (1, 2, 3)
    assert spec.backoff is backoff
    with pytest.raises(AttributeError):
        spec.restart = Restart.TEMPORARY  # type: ignore[misc]


def test_every_combination_of_valid_options_is_accepted() -> None:
    """I02"""
    each = product(
        [poller, Idle, Idle(name="itself")],
        ["", "orders", "a/b"],
        [*Restart, "permanent", "transient", "temporary"],
        [False, True],
        [None, 0, 2.5, inf],
        [None, 0, inf],
        [None, 0.1, inf],
        [None, Backoff()],
    )
    accepted = 0
    for worker, id_, restart, significant, grace, timeout, heartbeat, backoff in each:
        if significant and restart == "permanent":
            continue
        spec = ChildSpec(
            worker,
            id=id_,
            restart=restart,
            significant=significant,
            stopping_grace_period=grace,
            start_timeout=timeout,
            heartbeat_timeout=heartbeat,
            backoff=backoff,
        )
        accepted += spec.restart is Restart(restart)
    assert accepted == 3 * 3 * 10 * 4 * 3 * 3 * 2


@pytest.mark.parametrize("worker", [5, None, "poller", [poller]])
def test_what_is_no_worker_and_makes_none_is_refused_by_value(worker: object) -> None:
    """I01"""
    said = refusal(ChildSpec, worker, id="a")
    assert said.startswith(
        f"child 'a' is neither a worker nor a function that makes one: {worker!r}"
    )
    assert ("one by one" in said) is isinstance(worker, list)
    assert "is neither a worker nor a function that makes one" in refusal(Supervisor, worker)


def test_a_coroutine_in_place_of_a_worker_is_refused_and_closed() -> None:
    """I01, I07"""
    said = "is a coroutine; give a worker, or a function that makes one, without the parentheses"
    assert refusal(ChildSpec, async_poller(), id="a") == f"child 'a' {said}"


@pytest.mark.parametrize("id_", [5, None, b"a", Idle])
def test_an_id_that_is_no_string_is_refused_by_value(id_: object) -> None:
    """I01"""
    assert refusal(ChildSpec, poller, id=id_) == f"id of a child is not a string: {id_!r}"


@pytest.mark.parametrize("restart", ["always", "PERMANENT", "", None, True, 0, []])
def test_an_unknown_restart_is_refused_with_the_words_there_are(restart: object) -> None:
    """I01"""
    assert refusal(ChildSpec, poller, restart=restart) == (
        "restart of child 'poller' has to be "
        f'"permanent" or "transient" or "temporary": {restart!r}'
    )


@pytest.mark.parametrize("significant", [1, 0, "yes", None])
def test_a_significance_that_is_no_bool_is_refused_by_value(significant: object) -> None:
    """I01"""
    said = refusal(ChildSpec, poller, restart="transient", significant=significant)
    assert said == f"significant of child 'poller' is not a bool: {significant!r}"


def test_a_significant_child_that_is_always_restarted_is_refused_with_the_way_out() -> None:
    """I03"""
    said = refusal(ChildSpec, poller, significant=True)
    assert "child 'poller' cannot be both significant and permanent" in said
    assert 'make it restart="transient" or restart="temporary"' in said


@pytest.mark.parametrize("name", ["stopping_grace_period", "start_timeout", "heartbeat_timeout"])
@pytest.mark.parametrize("value", NO_SECONDS)
def test_a_bad_period_of_a_child_is_refused_by_name_child_and_value(
    name: str, value: object
) -> None:
    """I01, I10"""
    assert refusal(ChildSpec, Idle(name="mailer"), **{name: value}) == (
        f"{name} of child 'mailer' is not a number of seconds, zero or more: {value!r}"
    )


def test_a_heartbeat_that_nobody_can_keep_is_refused() -> None:
    """I01"""
    said = refusal(ChildSpec, poller, heartbeat_timeout=0)
    assert said == "heartbeat_timeout of child 'poller' has to be more than 0 seconds"


@pytest.mark.parametrize("backoff", [5, 0.5, "1s", Backoff, {"initial": 1}])
def test_what_is_no_back_off_is_refused_with_the_line_to_write(backoff: object) -> None:
    """I01"""
    for make, subject in ((ChildSpec, "child"), (Supervisor, "supervisor")):
        said = refusal(make, poller, backoff=backoff)
        assert said.startswith(f"backoff of {subject} ")
        assert said.endswith(f"is not a Backoff: {backoff!r}; write  backoff=Backoff(initial=...)")


# --- what makes a child ---------------------------------------------------------------------------


@pytest.mark.parametrize("made", [None, 5, Idle])
def test_a_function_that_makes_no_worker_is_refused_at_definition(made: object) -> None:
    """I01"""

    def make() -> Any:
        return made

    said = refusal(Supervisor, make, name="app")
    assert said == f"the factory of child 'make' did not return a worker: {made!r}"


def test_an_async_function_that_makes_a_worker_is_refused_at_definition() -> None:
    """I07"""
    assert refusal(Supervisor, async_poller) == (
        "the factory of child 'async_poller' has to be a plain function: it was  async def"
    )


def test_what_a_function_raises_comes_out_as_it_is() -> None:
    error = OSError("no disk")

    def make() -> Worker:
        raise error

    with pytest.raises(OSError, match="no disk") as raised:
        Supervisor(make)
    assert raised.value is error


async def test_a_function_that_returns_a_worker_that_has_lived_is_refused() -> None:
    """I01"""
    lived = Idle(name="lived")
    async with lived:
        pass
    said = refusal(Supervisor, ChildSpec(lambda: lived, id="a"))
    assert said.startswith("the factory of child 'a' returned a worker that is not new: ")
    assert said.endswith("to use one instance for every incarnation, give the instance itself")


async def test_a_function_that_returns_the_same_worker_again_fails_the_restart() -> None:
    worker = Idle(name="same")
    app = Supervisor(lambda: worker, name="app", backoff=Backoff(initial=1, jitter=0))
    async with app:
        worker.gracefully_stop()
        await asyncio.sleep(2)
        (info,) = app.children()
        assert info.last_error is not None
        assert "returned a worker that is not new" in info.last_error
        assert info.worker is worker


# --- who is there already -------------------------------------------------------------------------


def test_an_id_is_refused_at_definition_where_it_is_taken() -> None:
    """I04"""
    with pytest.raises(ChildExists) as refused:
        Supervisor(ChildSpec(poller, id="a"), ChildSpec(poller, id="a"), name="app")
    assert "supervisor 'app' has a child 'a' already" in str(refused.value)
    with pytest.raises(ChildExists):
        Supervisor(poller, ChildSpec(Idle, id="poller"))


def test_workers_of_one_name_have_ids_of_their_own() -> None:
    """I04"""
    app = Supervisor(poller, poller, ChildSpec(Idle, id="x"), Idle(name="x"), poller)
    ids = [info.id for info in app.children()]
    assert ids == ["poller", "poller-2", "x", "x-2", "poller-3"]


def test_a_worker_is_refused_by_a_second_supervisor_and_by_its_own() -> None:
    """T12"""
    worker = Idle(name="a")
    one = Supervisor(worker, name="one")
    assert refusal(Supervisor, worker, name="two") == (
        "worker 'a' cannot join supervisor 'two': it is in group 'one' already"
    )
    assert "worker 'b' is in supervisor" in refusal(Supervisor, *[Idle(name="b")] * 2)
    assert [info.worker for info in one.children()] == [worker]
