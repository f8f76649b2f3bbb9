"""What may stand in the place of a worker, and what is said of it."""

from __future__ import annotations

import pytest

from fluid import FluidValueError, Worker, WorkerStartError, WorkerState
from fluid.worker.fresh import is_usable
from tests.contract.cast import Brief, worker_in


async def main():
    pass


MISTAKES = {
    "a coroutine": (lambda: main(), "app:make has to make a worker, not coroutine 'main'; .*run"),
    "a class": (lambda: Brief, r"app:make .* not a class of them; make one:  run\(Brief\(\)\)"),
    "a class of others": (lambda: dict, "app:make has to make a worker, not <class 'dict'>"),
    "a function": (lambda: main, "app:make has to make a worker, not <function main"),
    "nothing": (lambda: None, "app:make has to make a worker, not None"),
    "text": (lambda: "app", "app:make has to make a worker, not 'app'"),
}


@pytest.mark.parametrize(("make", "words"), MISTAKES.values(), ids=MISTAKES)
def test_what_is_no_worker_is_refused_with_its_value(make, words):
    with pytest.raises(FluidValueError, match=words):
        is_usable(make(), "app:make has to make")


def test_a_worker_without_its_core_is_refused_with_the_line_to_write():
    class Half(Worker):
        def __init__(self):
            pass

        async def run(self):
            pass

    with pytest.raises(WorkerStartError, match=r"super\(\).__init__"):
        is_usable(Half())


@pytest.mark.parametrize("state", WorkerState)
async def test_only_a_worker_that_was_never_started_can_run(state):
    async with worker_in(state) as worker:
        if state is WorkerState.INIT:
            assert is_usable(worker) is worker
            return
        words = state.value.replace("_", "-")
        with pytest.raises(WorkerStartError, match=f"worker 'subject' cannot run: it is {words}"):
            is_usable(worker)
