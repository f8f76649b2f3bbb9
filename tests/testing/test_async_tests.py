"""How this suite runs its own ``async def`` tests."""

from __future__ import annotations

import asyncio
import sys

import pytest

from fluid.testing import VirtualLoop


async def test_async_tests_run_on_virtual_time_with_and_without_eager_tasks(loop_kind: str):
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    assert (loop.get_task_factory() is not None) == (loop_kind == "eager")
    assert loop_kind in (("virtual", "eager") if sys.version_info >= (3, 12) else ("virtual",))


@pytest.mark.lazy_only("to show that it can be")
async def test_lazy_only_tests_run_without_eager_tasks(loop_kind: str):
    assert loop_kind == "virtual"
    assert asyncio.get_running_loop().get_task_factory() is None


@pytest.mark.real
async def test_real_tests_run_on_asyncio_and_on_uvloop(loop_kind: str):
    loop = asyncio.get_running_loop()
    assert not isinstance(loop, VirtualLoop)
    assert type(loop).__module__.startswith(loop_kind)


@pytest.mark.virtual(horizon=60)
async def test_options_reach_the_run():
    await asyncio.sleep(60)


async def test_fixtures_and_parameters_reach_async_tests(tmp_path: object, loop_kind: str):
    assert tmp_path
    assert loop_kind


class TestInAClass:
    async def test_methods_can_be_async(self):
        await asyncio.sleep(1)
        assert asyncio.get_running_loop().time() == 1.0


def test_plain_tests_are_left_alone():
    assert asyncio._get_running_loop() is None
