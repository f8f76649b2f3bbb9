"""``MessageProducer``: whatever has a ``send`` is one; nobody has to inherit from it."""

from __future__ import annotations

import inspect

import pytest

from fluid.utils.dispatcher import AsyncDispatcher
from fluid.utils.worker import (
    AsyncConsumer,
    Mailbox,
    MessageProducer,
    QueueConsumer,
    QueueConsumerWorker,
    Worker,
)
from tests.contract.cast import Collector, Idle


class Texts(AsyncDispatcher[object]):
    """A dispatcher that knows no types."""

    def event_type(self, message: object) -> str:
        return "text"


async def ignore(message: object) -> None: ...


def produce(to: MessageProducer[object]) -> None:
    """Sends a message and a wake-up; a type checker holds its callers to the protocol."""
    to.send("hello")
    to.send(None)


def test_protocol_has_one_method_which_takes_a_message_or_none() -> None:
    parameters = inspect.signature(MessageProducer.send).parameters
    assert list(parameters) == ["self", "message"]
    assert getattr(MessageProducer, "_is_protocol", False)


def test_every_consumer_and_its_mailbox_are_message_producers() -> None:
    collector: QueueConsumer[object] = Collector()
    worker: QueueConsumerWorker[object] = QueueConsumerWorker(ignore)
    consumer: AsyncConsumer[object] = AsyncConsumer(Texts())
    for one in (collector, worker, consumer):
        produce(one)
        assert one.queue_size() == 1
    mailbox: Mailbox[object] = Mailbox()
    produce(mailbox)
    assert mailbox.size() == 1


def test_any_object_with_a_send_is_a_message_producer() -> None:
    class Pipe:
        def __init__(self) -> None:
            self.sent: list[object] = []

        def send(self, message: object | None) -> None:
            self.sent.append(message)

    pipe = Pipe()
    produce(pipe)
    assert pipe.sent == ["hello", None]


@pytest.mark.parametrize("order", ["worker first", "protocol first"])
async def test_worker_may_name_the_protocol_among_its_bases(order: str) -> None:
    class Relay(Idle, MessageProducer[object]):
        def send(self, message: object | None) -> None:
            self.last = message

    class RelayToo(MessageProducer[object], Idle):
        def send(self, message: object | None) -> None:
            self.last = message

    relay: Relay | RelayToo
    relay = Relay(name="relay") if order == "worker first" else RelayToo(name="relay")
    assert isinstance(relay, Worker)
    async with relay:
        produce(relay)
    assert relay.worker_name == "relay"
    assert relay.last is None
