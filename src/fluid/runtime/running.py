"""``fluid.run(worker)``: a worker as the main job of a process."""

from __future__ import annotations

import os

from ..worker import Worker
from ..worker.fresh import Make, is_usable
from .address import Address
from .front import Front
from .importing import refuse_in_import
from .process import Process
from .settings import DEADLINE, STALL_THRESHOLD, LoopFactory, Settings


def run(
    worker: Worker,
    *,
    deadline: float = DEADLINE,
    stall_threshold: float = STALL_THRESHOLD,
    loop_factory: LoopFactory | None = None,
    drain_delay: float = 0.0,
    http: int | str | None = None,
    health_file: str | os.PathLike[str] | None = None,
) -> None:
    """Runs ``worker`` until it ends or a signal stops it; returns if all went well.

    ::

        from fluid import Worker, run


        class Countdown(Worker):
            async def run(self) -> None:
                for number in (3, 2, 1):
                    print(number)
                    await self.sleep(0.1)


        if __name__ == "__main__":
            run(Countdown())

    The first SIGTERM or SIGINT asks for a graceful stop, the second takes away the grace, the third
    ends the process on the spot; the same signal within 0.5 seconds counts once. SIGHUP restarts
    the worker, SIGUSR1 shows where everything is. Signals are taken on the main thread only, and
    given back at the end.

    A ``SystemExit`` that a worker raises, in ``after_shutdown`` or anywhere else, ends the process
    after everybody else has had the time to stop.

    Args:
        worker: The worker, not started yet: a group, usually.
        deadline: Seconds from the first request to stop, or from the beginning of the worker's own
            stop, until the process is gone; then it shows where everything is, and exits with 4.
            Default 25, which is less than Kubernetes' 30. Held on the main thread only. What comes
            after ``run()`` in the program has its own time; what the interpreter still waits for
            after that, once a signal has come, has not.
        stall_threshold: Seconds for which the event loop may be blocked before that is reported;
            0.25 by default, 0 for never.
        loop_factory: Makes the event loop; asyncio's own by default.
        drain_delay: Seconds between the request to stop and its reaching the worker: readiness is
            gone at once, and work goes on until those who send it have noticed. 0, the default, for
            none.
        http: Where ``/livez``, ``/readyz``, ``/status`` and ``/metrics`` are served: a port of the
            loopback interface, or ``"host:port"``; nowhere by default. Needs the extra ``http``.
        health_file: The file that says how the process is, for ``fluid health``; none by default.

    Raises:
        SystemExit: With 1 if a worker failed or the stop left something undone, 2 if the extra
            ``http`` is missing or the health file cannot be written, 3 if the start failed or
            nobody can listen there, 128 + n if signal n was the second request to stop, k if a
            worker raised ``SystemExit(k)``. The reason is the last line on stderr.
        FluidValueError: If ``worker`` is not a worker, or a number is none.
        WorkerStartError: If it was started before.
        FluidError: If called where an event loop is running, or while ``fluid run`` imports the
            module.
    """
    refuse_in_import()
    is_usable(worker)
    settings = Settings(
        deadline,
        stall_threshold,
        loop_factory,
        drain_delay=drain_delay,
        http=None if http is None else Address.parse(str(http)),
        health_file=None if health_file is None else os.fspath(health_file),
    )
    process = Process(lambda: worker, worker.worker_path, settings, Front())
    code = process.run()
    process.let_go()
    if code:
        raise SystemExit(code)


def operate(make: Make, *, name: str, settings: Settings, front: Front) -> int:
    """Runs what ``make`` makes, as :func:`run` does, in a process that ends with it.

    The signals and the deadline are kept to the very end, so the caller has to exit, with the code
    that this returns, and soon.

    Args:
        make: Makes the worker; called in the loop, and once more for each SIGHUP.
        name: What it is called as long as there is no worker.
        settings: How the process is to be run.
        front: What the operator gets to see.
    """
    process = Process(make, name, settings, front)
    code = process.run()
    process.keep()
    return code
