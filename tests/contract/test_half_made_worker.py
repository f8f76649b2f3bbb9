"""A worker whose constructor forgot ``super().__init__()`` gets a lesson when it is to start."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import fluid
from fluid.utils.errors import WorkerStartError
from fluid.utils.worker import QueueConsumerWorker, Worker, Workers


async def nothing(message: object) -> None: ...


class Forgetful(Worker):
    """Never calls ``super().__init__()``."""

    def __init__(self) -> None:
        self.queue = "mine"

    async def run(self) -> None: ...


class ForgetfulConsumer(QueueConsumerWorker[str]):
    """Never calls it either."""

    def __init__(self) -> None:
        self.on_message = nothing


LESSON = r"did not call super\(\)\.__init__\(\)"


@pytest.mark.parametrize("make", [Forgetful, ForgetfulConsumer])
async def test_worker_that_forgot_to_call_init_of_its_base_is_taught_when_it_is_started(
    make: Callable[[], Worker],
) -> None:
    with pytest.raises(WorkerStartError, match=LESSON) as caught:
        await make().startup()
    assert str(caught.value).startswith(make.__name__)


async def test_worker_that_forgot_is_taught_by_async_with() -> None:
    with pytest.raises(WorkerStartError, match=LESSON):
        async with Forgetful():
            pytest.fail("it cannot have started")


def test_worker_that_forgot_is_taught_by_its_group() -> None:
    with pytest.raises(WorkerStartError, match=LESSON):
        Workers(Forgetful())


def test_worker_that_forgot_is_taught_by_the_runner() -> None:
    with pytest.raises(WorkerStartError, match=LESSON):
        fluid.run(Forgetful())
