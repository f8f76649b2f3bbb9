"""A pipeline: a group whose workers feed each other, declared in the order of the flow."""

from __future__ import annotations

from .base import Worker
from .group import Workers


class Pipeline(Workers):
    """A group of stages that stops from its source to its sink, so that nothing is lost between.

    The sink is started first and the source last. On a stop each stage drains into the next one,
    which is asked to stop only when nobody feeds it any more. The times that they need add up, and
    so does ``worker_stop_bound``. When a stage ends by itself or fails, all are stopped in this
    order.

    ::

        import asyncio

        from fluid import Pipeline, QueueConsumerWorker


        async def save(word: str) -> None:
            print("saved", word)


        async def shout(word: str) -> None:
            await sink.put(word.upper())


        async def main() -> None:
            global sink
            sink = QueueConsumerWorker(save, name="save", maxsize=10)
            source = QueueConsumerWorker(shout, name="shout")
            async with Pipeline(source, sink):
                source.send("hello")


        asyncio.run(main())

    Args:
        *stages: The workers, the source first and the sink last.
        name: As for every worker.
        stopping_grace_period: Seconds that all stages together have to stop; their own periods
            shrink to fit. None: what they need one after the other.
    """

    def __init__(
        self, *stages: Worker, name: str = "", stopping_grace_period: float | None = None
    ) -> None:
        super().__init__(
            *reversed(stages),
            name=name,
            stopping_grace_period=stopping_grace_period,
            stop_in_reverse=True,
        )
