"""The one source of all that is said of a process outside: probes, metrics, systemd, a file."""

from __future__ import annotations

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from ..clock import thread_cpu_time
from ..rules.lifecycle import FINAL_STATES, STOPPING, WorkerState
from ..worker import Worker
from ..worker.core import Core
from .reading import Findings, end_of, look
from .report import Phase, Report, Trouble
from .stalls import Stalls
from .tree import bounded_tree

FRESH = 0.25
"""Seconds for which a look at a whole tree is good; a stop is seen at once all the same."""

SHARE = 0.04
"""The part of a core that looks may take, however many ask: those at large trees last longer.

Source: a look takes about a microsecond a worker, so 0.25 seconds do for 10,000 of them.
"""

OLDEST = 2.5
"""Seconds for which a look is good at the most: enough for 100,000 workers at that rate."""


_leaving: WeakKeyDictionary[Core, Phase] = WeakKeyDictionary()
"""The trees that are to stop or to be restarted, by whoever runs the process."""


class _Standing(NamedTuple):
    """What makes a look out of date at once."""

    core: Core | None
    leaving: Phase | None
    state: WorkerState | None
    is_ready: bool


class Health:
    """How a tree of workers is, for whoever is outside.

    Nothing that it says calls code of the workers', and asking often costs no more than asking now
    and then: it looks at the whole tree four times a second at the most. That a stop has been asked
    for it says from that moment on.

    To be asked in the event loop of the workers. What another thread gets may be of two moments.

    ::

        import asyncio

        from fluid.health import Health
        from fluid.utils.worker import WorkerFunction


        async def poll() -> None: ...


        async def main() -> None:
            poller = WorkerFunction(poll, heartbeat=10, name="poller")
            health = Health(poller)
            async with poller:
                print(health.report().summary)
            print(health.report().summary)


        asyncio.run(main())

    Args:
        worker: The root of the tree; None as long as there is none.
        name: What it is called until then; nothing by default.
    """

    def __init__(self, worker: Worker | None = None, name: str = "") -> None:
        self.worker: Worker | None = worker
        """The root of the tree, now."""
        self.stalls: Stalls | None = None
        """Blocks of the event loop, where somebody looks for them."""
        self._leaving: Phase | None = None
        self._name: str = name
        self._looked_at: float = 0.0
        self._good_for: float = FRESH
        self._standing: _Standing | None = None
        self._report: Report | None = None

    @property
    def path(self) -> str:
        """What the root is called."""
        return self._name if self.worker is None else self.worker.worker_path

    @property
    def leaving(self) -> Phase | None:
        """What the process is about to do, a stop or a restart: its workers may not know of it.

        Who sets it says so for all that tell of this tree, or of a part of it.
        """
        if self._leaving is not None or not _leaving:
            return self._leaving
        above = () if self._core is None else self._core.ancestry()
        return next((_leaving[core] for core in above if core in _leaving), None)

    @leaving.setter
    def leaving(self, phase: Phase | None) -> None:
        self._leaving = phase
        if (core := self._core) is None:
            return
        if phase is None:
            _leaving.pop(core, None)
        else:
            _leaving[core] = phase

    def is_ready(self) -> bool:
        """Returns whether it makes sense to send it work."""
        core = self._core
        if self.leaving is not None or core is None or not Core.is_ready(core):
            return False  # without a look at the tree: this has to be right at any moment
        return self.report().is_ready

    def report(self) -> Report:
        """Returns how the tree is."""
        core = self._core
        standing, now = self._standing_of(core), self._now(core)
        report, age = self._report, now - self._looked_at
        if report is None or standing != self._standing or not 0 <= age < self._good_for:
            began = thread_cpu_time()
            self._report = report = self._new_report(standing, now)
            self._good_for = min(max((thread_cpu_time() - began) / SHARE, FRESH), OLDEST)
            self._looked_at, self._standing = now, standing
        return report

    def tree(self) -> dict[str, Any]:
        """Returns the tree as JSON-able data, at most a thousand workers of it.

        A group whose children are not all there has their number in ``left_out``. What a worker's
        own ``status()`` would say is not in it.
        """
        core = self._core
        return {} if core is None else bounded_tree(core)

    # --- how it is -------------------------------------------------------------------------------

    @property
    def _core(self) -> Core | None:
        return None if self.worker is None else self.worker._worker

    def _standing_of(self, core: Core | None) -> _Standing:
        if core is None:
            return _Standing(None, self.leaving, None, False)
        return _Standing(core, self.leaving, core.state, Core.is_ready(core))

    def _now(self, core: Core | None) -> float:
        """Returns the time of the workers' event loop."""
        life = None if core is None else core.life
        return 0.0 if life is None else life.loop.time()

    def _new_report(self, standing: _Standing, now: float) -> Report:
        core, leaving = standing.core, standing.leaving
        if core is None:
            phase = leaving or Phase.STARTING
            return Report(self._name, phase, True, False, (), (), (), {})
        findings = look(core, now)
        phase = leaving or _phase(core, findings)
        is_ready = phase is Phase.READY
        not_live = (*_dead(core, leaving), *findings.stuck)
        return Report(
            name=core.path,
            phase=phase,
            is_live=not not_live,
            is_ready=is_ready,
            not_live=not_live,
            not_ready=() if is_ready else findings.not_ready,
            degraded=findings.degraded,
            workers=findings.workers,
        )


def _phase(core: Core, findings: Findings) -> Phase:
    """Returns where a tree is, if nobody means to end it."""
    life, state = core.life, core.state
    if life is None:
        return Phase.STARTING
    if state is STOPPING:
        return Phase.STOPPING
    if state in FINAL_STATES:
        return Phase.ENDED
    if findings.not_ready:
        return Phase.NOT_READY if life.ready else Phase.STARTING
    return Phase.READY if life.ready else Phase.STARTING


def _dead(core: Core, leaving: Phase | None) -> tuple[Trouble, ...]:
    """Returns why the root is dead, if it is, and the process goes on as if it were not."""
    life = core.life
    if leaving is not None or life is None or life.outcome is None:
        return ()
    return (Trouble(core.path, end_of(life)),)
