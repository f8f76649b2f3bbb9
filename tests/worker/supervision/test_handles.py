"""How a child may be named: by its worker, a former incarnation, or the last part of its path."""

from __future__ import annotations

import asyncio

import pytest

from fluid import ChildNotFound, DynamicSupervisor, FluidValueError
from tests.scenarios.cast import Breakable
from tests.scenarios.supervised_cast import AT_ONCE, Maker, supervisor_of


async def test_a_handle_stays_good_over_restarts() -> None:
    async with DynamicSupervisor(Breakable, backoff=AT_ONCE, max_restarts=100) as app:
        first = await app.start_child(name="host")
        await asyncio.sleep(1)
        first.break_()
        await asyncio.sleep(1)
        [info] = app.children()
        assert info.worker is not first
        await app.stop_child(first)
        assert app.num_workers == 0


async def test_a_handle_does_not_name_who_has_the_same_place_later() -> None:
    async with supervisor_of(Breakable(name="a")) as app:
        old = await app.add_child(Maker("x"))
        await app.remove_child(old)
        new = await app.add_child(Maker("x"))
        assert new.worker_path == old.worker_path
        with pytest.raises(ChildNotFound):
            await app.stop_child(old)
        assert new.is_running()


async def test_the_id_that_is_shown_may_be_asked_for_whatever_is_in_the_name() -> None:
    async with DynamicSupervisor(Breakable) as app:
        await app.start_child(name="http://a/b%20c")
        [info] = app.children()
        assert "/" not in info.id
        await app.stop_child(info.id)
    async with supervisor_of(Maker("a/b")) as app:
        assert (await app.restart_child("a/b")).is_running()


async def test_removing_who_was_down_lets_those_go_on_who_wait_for_the_rest() -> None:
    async with supervisor_of(Breakable(name="a"), Breakable(name="b")) as app:
        await app.stop_child("a")
        waiting = asyncio.ensure_future(app.wait_ready())
        await asyncio.sleep(1)
        assert not waiting.done()
        await app.remove_child("a")
        await waiting


def test_what_is_not_whole_or_not_one_child_is_told_so() -> None:
    class Bad(Breakable):
        def __init__(self) -> None:  # no super().__init__()
            pass

    for bad in Bad, Bad():
        with pytest.raises(Exception, match=r"did not call super\(\).__init__\(\)"):
            supervisor_of(bad)
    with pytest.raises(FluidValueError, match="one by one"):
        supervisor_of([Breakable, Breakable])

    class Picky(Breakable):
        def __init__(self, host: str) -> None:
            super().__init__(name=host)

    with pytest.raises(TypeError) as missing:
        supervisor_of(Picky)
    assert "lambda: Picky(...)" in missing.value.__notes__[0]
