"""``HasWorkers``: something that owns workers and says which."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence

import pytest

from fluid.utils.worker import HasWorkers, Worker, Workers
from tests.contract.cast import Idle


class Owner(HasWorkers):
    """Owns what it is given."""

    def __init__(self, *workers: Worker) -> None:
        self.own = workers

    def get_workers(self) -> Sequence[Worker]:
        return self.own


def test_has_workers_is_abstract() -> None:
    assert issubclass(HasWorkers, ABC)
    with pytest.raises(TypeError, match="get_workers"):
        HasWorkers()  # type: ignore[abstract]


@pytest.mark.parametrize("number", [0, 1, 3])
def test_owner_hands_out_its_workers_in_its_own_order(number: int) -> None:
    workers = [Idle(name=f"{n}") for n in range(number)]
    assert list(Owner(*workers).get_workers()) == workers


async def test_workers_of_an_owner_can_run_as_a_group() -> None:
    owner = Owner(Idle(name="one"), Idle(name="two"))
    async with Workers(*owner.get_workers()):
        assert all(worker.is_running() for worker in owner.get_workers())
    assert all(worker.is_stopped() for worker in owner.get_workers())


def test_worker_may_own_workers_itself() -> None:
    class Both(Idle, HasWorkers):
        def get_workers(self) -> Sequence[Worker]:
            return [self]

    worker = Both()
    assert list(worker.get_workers()) == [worker]
