"""The shop: a worker that books orders, and an application that takes them.

An order is accepted as soon as it waits in the ledger's mailbox, which is quick, and booked when
the ledger has written it to its file, with as many others as have come meanwhile. The mailbox has
room for so many; whoever comes then is asked to come back. It is memory: the orders in it survive
a crash of the ledger, and a stop waits for them, but if the machine fails they are gone. Where that
is not good enough, let customers wait until an order is booked: ``await ledger.join()``.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import inf
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar
from uuid import uuid4

from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel, Field

from fluid import BatchConsumer, ConsumerClosed, MailboxFull, Retry, Supervisor, Worker
from fluid.http import Lifespan

T = TypeVar("T")

FILE_VARIABLE = "ORDERS_DB"
TABLE = "CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, item TEXT, quantity INTEGER)"
MOST_WAITING = 1000
"""Orders that are accepted and not booked yet, at the most: a second's work for a slow disk."""
GRACE = 5.0
"""Seconds that the ledger has, at a stop, to book what was accepted."""


class Order(NamedTuple):
    """An order that was accepted."""

    id: str
    item: str
    quantity: int


class Ledger(BatchConsumer[Order]):
    """Books orders, as many in one transaction as have come within 20 ms."""

    def __init__(self, file: Path) -> None:
        super().__init__(
            size=100,
            age=0.02,
            maxsize=MOST_WAITING,
            retry=Retry(on=sqlite3.Error, attempts=inf),  # a full disk may have room again
            stopping_grace_period=GRACE,
        )
        self.file = file
        self.waiting: dict[str, Order] = {}

    async def on_startup(self) -> None:
        """Opens the file; it is closed when the last order is booked."""
        # SQLite wants to be used by the thread that has opened it.
        self.thread = self.worker_exit_stack.enter_context(ThreadPoolExecutor(1, "ledger"))
        self.orders = await self._in_thread(lambda: sqlite3.connect(self.file))
        self.worker_exit_stack.push_async_callback(self._in_thread, self.orders.close)
        await self._in_thread(lambda: self.orders.execute(TABLE))

    def accept(self, order: Order) -> None:
        """Takes an order, or raises ``MailboxFull`` or ``ConsumerClosed``."""
        self.send(order)
        self.waiting[order.id] = order

    async def find(self, number: str) -> tuple[Order, str] | None:
        """Returns an order, and whether it is accepted or booked."""
        if order := self.waiting.get(number):
            return order, "accepted"
        query = "SELECT id, item, quantity FROM orders WHERE id = ?"
        row = await self._in_thread(lambda: self.orders.execute(query, (number,)).fetchone())
        return (Order(*row), "booked") if row else None

    async def on_batch(self, orders: list[Order]) -> None:
        """Books some orders."""
        await self._in_thread(lambda: self._write(orders))
        for order in orders:
            del self.waiting[order.id]

    async def on_dead_letter(self, order: Order, error: BaseException, attempts: int) -> None:
        """Forgets an order that cannot be booked, and fails with the reason."""
        del self.waiting[order.id]
        raise error

    def _write(self, orders: list[Order]) -> None:
        with self.orders:
            self.orders.executemany("INSERT OR IGNORE INTO orders VALUES (?, ?, ?)", orders)

    async def _in_thread(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.thread, function)


class Shop(Supervisor):
    """All workers of the shop.

    Args:
        *others: Workers beside the ledger. They start after it, and stop before.
    """

    def __init__(self, *others: Worker) -> None:
        self.ledger = Ledger(Path(os.environ.get(FILE_VARIABLE, "orders.db")))
        super().__init__(self.ledger, *others, name="shop")


# --- the application ----------------------------------------------------------------------------


class NewOrder(BaseModel):
    """What a customer sends."""

    item: str = Field(min_length=1, max_length=100)
    quantity: int = Field(ge=1, le=1000)


async def the_ledger(request: Request) -> Ledger:
    shop: Shop = request.state.workers
    return shop.ledger


TheLedger = Annotated[Ledger, Depends(the_ledger)]


def application(lifespan: Lifespan) -> FastAPI:
    """Returns the application; ``lifespan`` says which workers are behind it."""
    app = FastAPI(title="Shop", lifespan=lifespan)

    @app.post("/orders", status_code=202)
    async def post(new: NewOrder, ledger: TheLedger) -> dict[str, str]:
        order = Order(uuid4().hex, new.item, new.quantity)
        try:
            ledger.accept(order)
        except (MailboxFull, ConsumerClosed) as error:
            raise HTTPException(503, "come back later", {"Retry-After": "1"}) from error
        return {"id": order.id, "state": "accepted"}

    @app.get("/orders/{number}")
    async def get(number: str, ledger: TheLedger) -> dict[str, object]:
        if not ledger.is_ready():
            raise HTTPException(503, "come back later", {"Retry-After": "1"})
        if (found := await ledger.find(number)) is None:
            raise HTTPException(404, "no such order")
        order, state = found
        return {**order._asdict(), "state": state}

    return app
