"""The HTTP server of a process: a supervised worker beside the root, which does not need it."""

from __future__ import annotations

from ..health import Health
from ..http import ASGIServer, health_app, listening
from ..http.gate import Limits
from ..http.origin import names_at
from ..worker import Worker
from ..worker.supervision import ChildSpec, Supervisor
from .address import Address


class HealthServer(ASGIServer):
    """Serves probes and metrics, and has little to finish when it has to stop."""

    cancel_period: float = 0.1
    cleanup_period: float = 0.5


def new_server(address: Address, health: Health) -> Worker:
    """Returns what serves ``/livez``, ``/readyz``, ``/status`` and ``/metrics`` of a process."""

    def serve() -> HealthServer:
        app = health_app(health, hosts=names_at(address.host))
        host, port = address.host, address.port
        return HealthServer(app, host=host, port=port, name="http", _limits=Limits())

    return Supervisor(ChildSpec(serve, stopping_grace_period=0.5), name="fluid")


async def try_address(address: Address) -> None:
    """Binds an address for a moment, so that what is wrong with it is told in one line.

    Raises:
        WorkerStartError: If nobody can listen there.
    """
    for sock in await listening.bind(address.host, address.port):
        sock.close()
