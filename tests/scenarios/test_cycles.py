"""Thousands of lives, of every kind of end: nothing of them is left."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import Iterator

import pytest

from benchmarks.cycles import ENDS, FAILURES, UNDER_SUPERVISION, Cycle
from fluid.testing import LeakKind, leaks

WARM_UP = 100
CYCLES = 6_000 // len(ENDS | FAILURES) + 1
"""Of each kind of end: what one in a life leaves shows, in hundreds of them as in thousands."""


@pytest.fixture(autouse=True)
def _silence() -> Iterator[None]:
    """Keeps pytest from keeping a thousand tracebacks."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


async def grown(cycle: Cycle, *ignored: LeakKind) -> int:
    """Runs ``cycle`` again and again; returns by how many blocks of memory Python has grown."""
    for _ in range(WARM_UP):
        await cycle()
    before = blocks()
    with leaks(ignore=ignored):
        for _ in range(CYCLES):
            await cycle()
        await asyncio.sleep(3600)  # the loop forgets the timers that were cancelled
    return blocks() - before


def blocks() -> int:
    """Returns how many blocks of memory Python has in use."""
    gc.collect()  # which empties its lists of free objects
    return sys.getallocatedblocks()


@pytest.mark.parametrize("end", ENDS)
async def test_an_end_without_an_error_leaves_nothing_not_even_for_the_collector(end: str):
    """L02, L03"""
    assert await grown(ENDS[end]) < CYCLES  # one for each life would be a leak


@pytest.mark.parametrize("end", FAILURES)
async def test_an_error_leaves_nothing_that_the_collector_does_not_free(end: str):
    """L02, L10"""
    assert await grown(FAILURES[end], LeakKind.GARBAGE) < CYCLES


@pytest.mark.parametrize("kind", UNDER_SUPERVISION)
async def test_children_that_come_and_go_leave_nothing_with_a_supervisor_that_stays(kind: str):
    async with UNDER_SUPERVISION[kind]() as cycle:
        before = len(asyncio.all_tasks())
        # Other tasks are alive than before, for other incarnations: as many of them.
        assert await grown(cycle, LeakKind.GARBAGE, LeakKind.TASKS) < CYCLES
        assert len(asyncio.all_tasks()) == before
