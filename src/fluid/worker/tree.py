"""Workers as plain data: what ``status()`` and ``worker_tree()`` return."""

from __future__ import annotations

from math import isinf
from typing import TYPE_CHECKING, Any

from ..rules.lifecycle import RUNNING, STOPPING

if TYPE_CHECKING:
    from .base import Worker
    from .core import Core


def describe(core: Core) -> dict[str, Any]:
    """Returns what is known of one worker, as JSON-able data."""
    state, life, record = core.state, core.life, core.exit_record()
    facts: dict[str, Any] = {
        "running": state is RUNNING,
        "stopping": state is STOPPING,
        "name": core.name,
        "state": state.value,
        "ready": core.is_ready(),
    }
    if life is not None and record is None:
        facts["uptime"] = life.loop.time() - life.began
    if record is not None:
        facts["exit"] = record.as_dict()
    parent = core.parent()
    return facts if parent is None else facts | parent.facts_of(core)


def describe_tree(worker: Worker) -> dict[str, Any]:
    """Returns a worker and everything below it, as JSON-able data."""
    core = worker._worker
    bound = core.bound(worker)
    return {
        **describe(core),
        "path": core.path,
        "kind": type(worker).__name__,
        "stop_bound": None if isinf(bound) else bound,
        "children": [describe_tree(child) for child in worker.workers() if child is not worker],
    }
