"""A look at a tree, at any step of whatever befalls it: nothing that it shows is impossible."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from fluid import ChildSpec, Supervisor, WorkerState
from fluid.health import Health, Phase
from fluid.rules.lifecycle import TRANSITIONS
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.supervised_cast import faults_of_supervised, makers, supervisor_of
from tests.worker.group_cast import end_of

PHASES = {
    Phase.STARTING: {WorkerState.INIT, WorkerState.RUNNING},
    Phase.READY: {WorkerState.RUNNING},
    Phase.NOT_READY: {WorkerState.RUNNING},
    Phase.STOPPING: {WorkerState.STOPPING},
    Phase.ENDED: {WorkerState.STOPPED, WorkerState.FORCE_STOPPED, WorkerState.FAILED},
}
"""The states of the root in which a tree can be said to be where it is."""


class Looks:
    """Looks at a tree when it is told to, and at each event."""

    def __init__(self, root: Supervisor) -> None:
        self.root = root
        self.seen: dict[str, list[tuple[int, WorkerState]]] = {}
        """The states of each worker, with the incarnation."""
        self.faults: list[AssertionError] = []
        root.subscribe(lambda _: self.glance())

    def look(self) -> None:
        """Looks at all that there is to be seen."""
        self.glance()
        self._note(self._compare)

    def glance(self) -> None:
        """Looks at what costs little."""
        self._note(self._glance)

    def _note(self, look: Callable[[], None]) -> None:
        try:
            look()
        except AssertionError as fault:  # nobody else would hear of what a listener raises
            self.faults.append(fault)

    def _compare(self) -> None:
        assert shown(self.root.worker_tree()) == shown(Health(self.root).tree())

    def _glance(self) -> None:
        health = Health(self.root)
        report, tree = health.report(), health.tree()
        nodes = [*flat(tree)]
        workers = [*everybody(self.root)]
        assert shown(tree) == [(each.worker_path, each.worker_state) for each in workers]
        assert report.workers == Counter(node["state"] for node in nodes)
        assert WorkerState(tree["state"]) in PHASES[report.phase]
        assert report.is_ready == (report.phase is Phase.READY) == health.is_ready()
        assert report.is_ready == self.root.is_ready()
        assert bool(report.not_ready) or report.phase is not Phase.NOT_READY
        assert not (report.not_ready and report.is_ready)
        for node in nodes:
            assert not node["ready"] or node["state"] == "running"
        for worker in workers:
            states = self.seen.setdefault(worker.worker_path, [])
            states.append((id(worker._worker.life), worker.worker_state))

    def assert_legal(self) -> None:
        for fault in self.faults:
            raise fault
        for path, states in self.seen.items():
            for (life, before), (later, after) in pairwise(states):
                if life == later:
                    assert after in reachable(before), (path, before, after)


def flat(node: dict[str, Any]) -> Any:
    yield node
    for child in node["children"]:
        yield from flat(child)


def shown(tree: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns who is in it, in order, and in which state."""
    return [(node["path"], node["state"]) for node in flat(tree)]


def everybody(worker: Any) -> Any:
    yield worker
    for child in worker.workers():
        if child is not worker:
            yield from everybody(child)


def reachable(state: WorkerState) -> set[WorkerState]:
    """Returns where a worker can be that was there a while ago."""
    there = {state}
    for target in TRANSITIONS[state].values():
        there |= reachable(target)
    return there


@explored(faults="offered", swept=True)
async def test_a_look_at_any_step_shows_legal_states_and_counts_that_add_up(sim: Simulation):
    """A01, A02"""
    a, b, c = makers("abc")
    inner = supervisor_of(b, name="inner", stopping_grace_period=None)
    tree = supervisor_of(a, ChildSpec(c, restart="transient"), inner)
    looks = Looks(tree)
    faults_of_supervised(sim, tree, a, b, c)
    sim.offer("look", looks.look)
    await end_of(asyncio.ensure_future(tree.startup()))
    await end_of(asyncio.wait_for(tree.wait_for_shutdown(), 5))
    tree.gracefully_stop()
    await end_of(asyncio.ensure_future(tree.wait_for_shutdown()))
    looks.look()
    looks.assert_legal()
