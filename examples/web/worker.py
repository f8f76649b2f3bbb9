"""An application as a worker beside others: ``fluid run examples.web.worker:tree -- 8000``.

With ``--http 8081`` behind ``run``, ``fluid`` itself answers ``/readyz`` there, and ``/metrics``.

The shop's server is one more child of its supervisor. It starts when the ledger is ready, comes
back if it fails, and stops before the ledger does: first nobody can send an order any more, then
the last one is booked. The orders are in ``orders.db``, or where the environment variable
``ORDERS_DB`` says.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fluid.http import ASGIServer, LifespanState

from .shop import Shop, application


def tree(port: str = "8000") -> Shop:
    """Returns the shop, with a server that listens on loopback."""

    @asynccontextmanager
    async def beside(_: object) -> AsyncIterator[LifespanState]:
        yield {"workers": shop}

    shop = Shop(ASGIServer(application(beside), port=int(port), name="server"))
    return shop
