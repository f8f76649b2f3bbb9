"""What is printed at night: lines of one form, which no name and no error can forge or flood."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import fluid.testing
from fluid import Worker
from tests.scenarios.cast import Planned, group_of
from tests.worker.fakes import deaf, raising, worker_with
from tests.worker.group_cast import Idle, end_of


class Lines(logging.Handler):
    """Keeps what is logged, as it would be printed."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        self.printed: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.printed.append(self.format(record))


def logged_by(worker: Worker) -> list[str]:
    """Starts a worker, stops it a second later, and returns what that has logged."""

    async def main() -> None:
        await end_of(worker.startup())
        await asyncio.sleep(1)
        await end_of(worker.shutdown())
        await asyncio.sleep(7200)

    logger, lines = logging.getLogger("fluid"), Lines()
    before = logger.level, logger.propagate
    logger.addHandler(lines)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        fluid.testing.run(main)
    finally:
        logger.removeHandler(lines)
        logger.level, logger.propagate = before
    return lines.printed


@settings(max_examples=30, deadline=None)
@given(names=st.lists(st.text(max_size=20), min_size=2, max_size=4))
@example(names=["", "..", "../..", "/"])
@example(names=["a", "\u0430", "a\u200b", "a\n"])
@example(names=["x" * 10_000, "\udcff", "a", "a-2"])
def test_names_of_any_text_forge_neither_a_path_nor_a_line(names: list[str]):
    """I04, I09, A13"""
    group = group_of(*(Idle(name=name) for name in names))
    paths = [child.worker_path for child in group.workers()]
    assert len({*paths}) == len(names)
    assert all(path.count("/") == 1 and path.isprintable() for path in paths)
    lines = logged_by(group)
    assert all(line.isprintable() for line in lines)
    assert len(lines) == 4 * (len(names) + 1)  # starting, ready, stopping, stopped


STOPPED = """
DEBUG worker idle is starting
INFO worker idle is ready
INFO worker idle is stopping; at most 17.0 seconds
INFO worker idle stopped after 1.0 seconds (normal shutdown)
"""
ABANDONED = """
DEBUG worker made is starting
INFO worker made is ready
INFO worker made is stopping; at most 17.0 seconds
WARNING worker made did not end when asked and was cancelled in run, at PLACE; \
what may take longer has to look at is_running(), to await self.sleep(), or \
to have a longer stopping_grace_period
WARNING worker made was cancelled again in run, at PLACE
ERROR worker made refuses to end and was abandoned in run, at PLACE; \
what it holds is freed when the process ends
WARNING worker made was stopped by force after 13.0 seconds
WARNING the task of abandoned worker made ended after all
"""
FAILED = """
DEBUG worker group is starting
DEBUG worker group/made is starting
INFO worker group/made is ready
INFO worker group is ready
INFO worker group/made has ended by itself; cleaning up
ERROR worker group/made failed after 0.0 seconds (Planned: one line)
INFO worker group is stopping; at most 17.0 seconds
ERROR worker group failed because worker group/made failed
"""
LIVES: dict[str, tuple[Callable[[], Worker], str]] = {
    "stopped": (Idle, STOPPED),
    "abandoned": (lambda: worker_with(run=deaf), ABANDONED),
    "failed": (
        lambda: group_of(worker_with(run=raising(Planned("one line\nand another")))),
        FAILED,
    ),
}


@pytest.mark.parametrize("end", LIVES)
def test_what_is_logged_keeps_its_form_in_one_line_or_several(end: str):
    """I13"""
    make, expected = LIVES[end]
    printed = logged_by(make())
    first_lines = [entry.partition("\n")[0] for entry in printed]
    assert [re.sub(r"at /\S+:\d+ in [^\s;]+", "at PLACE", line) for line in first_lines] == (
        expected.strip().splitlines()
    )
    several = [entry for entry in printed if "\n" in entry]
    assert len(several) == (end == "failed")
    for entry in several:  # the traceback, once, where it happened
        assert entry.splitlines()[1] == "Traceback (most recent call last):"
        assert entry.endswith("Planned: one line\nand another")


def test_an_error_that_says_too_much_or_lies_too_deep_does_not_fill_the_disk():
    """I13"""

    async def dig(worker: Worker, depth: int = 100) -> None:
        if not depth:
            raise Planned("x" * 10_000)
        try:
            await dig(worker, depth - 1)
        except Planned as error:
            raise Planned("x" * 10_000) from error

    printed = logged_by(worker_with(run=dig))
    assert sum(map(len, printed)) < 200_000
