"""The tree as JSON-able data: everything there is to see, and never too much of it."""

from __future__ import annotations

import json
from math import inf

from fluid import QueueConsumerWorker, WorkerFunction, Workers, every
from fluid.health import Health
from fluid.health.tree import MOST_SHOWN, bounded_tree
from fluid.worker import PeriodicWorker
from tests.worker.fakes import worker_with


async def nothing(_message: object = None) -> None: ...


def nested(depth: int) -> Workers:
    tree = Workers(worker_with(), name="leaf")
    for _ in range(depth):
        tree = Workers(tree, name="group")
    return tree


async def test_each_worker_says_what_its_kind_knows() -> None:
    consumer = QueueConsumerWorker(nothing, name="orders")
    timer = PeriodicWorker(nothing, every(10), name="clock")
    async with Workers(consumer, timer, name="app") as tree:
        consumer._worker.mailbox.pause()
        consumer.send(1)
        orders, clock = json.loads(json.dumps(Health(tree).tree()))["children"]
    assert (orders["path"], orders["kind"]) == ("app/orders", "QueueConsumerWorker")
    assert (orders["queue_size"], orders["messages"]["queued"]) == (1, 1)
    assert (clock["timer"]["schedule"], clock["state"]) == ("every 10 s", "running")


def test_a_large_tree_is_shown_level_by_level_and_the_rest_is_counted() -> None:
    wide = [Workers(*[worker_with() for _ in range(10)], name=f"g{n}") for n in range(5)]
    tree = bounded_tree(Workers(*wide, name="app")._worker, most=19)
    assert [len(child["children"]) for child in tree["children"]] == [10, 3, 0, 0, 0]
    assert [child.get("left_out", 0) for child in tree["children"]] == [0, 7, 10, 10, 10]
    assert "left_out" not in tree


def test_no_more_than_a_thousand_are_shown() -> None:
    group = Workers(*[WorkerFunction(nothing, heartbeat=inf) for _ in range(1200)], name="app")
    tree = bounded_tree(group._worker)
    assert (1 + len(tree["children"]), tree["left_out"]) == (MOST_SHOWN, 201)


def test_no_tree_is_too_deep() -> None:
    tree, depth = bounded_tree(nested(1500)._worker), 1
    while tree["children"]:
        tree, depth = tree["children"][0], depth + 1
    assert (depth, tree["left_out"]) == (MOST_SHOWN, 1)
