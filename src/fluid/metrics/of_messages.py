"""The metrics of consumers: what became of their messages, and how long that took.

What only grows is counted over all incarnations of a consumer, also where each has a mailbox of its
own.
"""

from __future__ import annotations

from .family import Family, counter, gauge
from .subjects import Messages


def _settled(messages: Messages) -> dict[str, float]:
    totals = messages.totals
    return {
        "handled": totals.handled,
        "dead": totals.dead,
        "dropped": totals.dropped,
        "returned": totals.returned,
    }


CONSUMER: tuple[Family, ...] = (
    counter(
        "fluid_messages_accepted_total",
        "messages",
        "Messages that a consumer was sent and has taken in.",
        lambda messages: messages.totals.accepted,
    ),
    counter(
        "fluid_messages_settled_total",
        "messages",
        "What became of them: handled; dead, as their handler raised; dropped, the loss that is "
        "reported; returned to on_undelivered.",
        _settled,
        labels=("worker", "outcome"),
    ),
    gauge(
        "fluid_messages_queued",
        "messages",
        "Messages that wait.",
        lambda messages: messages.account.queued,
    ),
    gauge(
        "fluid_messages_in_hand",
        "messages",
        "Messages that are being handled, or are on their way to on_undelivered.",
        lambda messages: messages.account.in_hand,
    ),
)
"""Of ``Messages``."""

HANDLING: tuple[Family, ...] = (
    gauge(
        "fluid_consumer_paused",
        "",
        "Whether a consumer takes no more messages for the time being: 1 or 0.",
        lambda it: int(it.facts["paused"]),
    ),
    gauge(
        "fluid_messages_oldest_age_seconds",
        "seconds",
        "How long the oldest message has waited, at the most; 0 if none waits.",
        lambda it: it.facts["oldest_age"],
    ),
    counter(
        "fluid_messages_waited_seconds_total",
        "seconds",
        "How long messages have waited, all together; its rate is the length of the queue.",
        lambda it: it.totals.waited,
    ),
    counter(
        "fluid_messages_handling_seconds_total",
        "seconds",
        "How long a consumer was busy with messages; its rate is how many it is busy with.",
        lambda it: it.totals.handled_for,
    ),
    counter(
        "fluid_handler_failures_total",
        "attempts",
        "Attempts to handle a message that have raised.",
        lambda it: it.totals.failed,
    ),
    counter(
        "fluid_handler_retries_total",
        "attempts",
        "Those of them after which the message was to be tried again.",
        lambda it: it.totals.retried,
    ),
    counter(
        "fluid_handlers_abandoned_total",
        "handlers",
        "Handlers that refused to end and were left alone.",
        lambda it: it.totals.abandoned,
    ),
)
"""Of ``Handling``."""
