"""What is said to whoever gives something else where a worker has to be."""

from __future__ import annotations

from typing import Any

import pytest

from fluid import FluidValueError, Worker, Workers, WorkerStartError
from tests.contract.cast import Idle


class Half(Worker):
    """Forgets to call ``super().__init__()``."""

    def __init__(self) -> None:
        pass

    async def run(self) -> None: ...


async def poll() -> None: ...


def make() -> Worker:
    return Idle()


@pytest.mark.parametrize(
    ("thing", "lesson"),
    [
        (Idle, r"class Idle; make one:  Idle\(\)"),
        (poll, r"function poll; one that calls it again and again is  WorkerFunction\(poll\)"),
        (make, r"function make; if it makes one, call it:  make\(\)"),
        ([], r"a list; workers are given one by one:  \*workers"),
        (int, "class int"),
        (3, "3"),
    ],
)
def test_what_is_no_worker_is_refused_with_what_to_write_instead(thing: Any, lesson: str) -> None:
    with pytest.raises(FluidValueError, match=rf"^this is not a worker: {lesson}$"):
        Workers(thing)


def test_coroutine_in_place_of_a_worker_is_refused_and_closed() -> None:
    coroutine: Any = poll()
    with pytest.raises(FluidValueError, match=r": coroutine poll; .*; give the worker$"):
        Workers(coroutine)
    assert coroutine.cr_frame is None


def test_worker_without_the_init_of_its_base_is_told_the_line_to_add() -> None:
    with pytest.raises(WorkerStartError, match=r"^Half is not a whole worker: .*  super\(\)"):
        Workers(Half())
