"""What a periodic worker tells beside its life: failed and missed fires, one log line for each."""

from __future__ import annotations

import logging

import pytest

from fluid import Backoff, Missed, Overlap, Workers
from fluid.events import FireFailed, FiresMissed
from tests.worker.group_cast import end_of
from tests.worker.timers.firing_cast import Ticker, block_at, end_at, failing, until, virtual_loop


def records(caplog: pytest.LogCaptureFixture, beginning: str) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.getMessage().startswith(beginning)]


# --- failed --------------------------------------------------------------------------------------


async def test_a_failed_fire_is_one_warning_with_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = OSError("no route")
    await end_at(Ticker(failing(error, 1), errors="continue"), 5)
    (record,) = records(caplog, "worker ticker: a fire failed")
    assert record.getMessage() == (
        "worker ticker: a fire failed (OSError: no route); the next one comes"
    )
    assert record.levelno == logging.WARNING
    assert record.exc_info is not None
    assert record.exc_info[1] is error
    assert "in act" in caplog.text


async def test_a_failed_fire_that_is_tried_again_says_in_how_many_seconds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await end_at(Ticker(failing(OSError(), 1), errors=Backoff(2.54, jitter=0)), 5)
    (record,) = records(caplog, "worker ticker: a fire failed")
    assert record.getMessage() == (
        "worker ticker: a fire failed (OSError); it is called again in 2.5 seconds"
    )


async def test_a_fire_that_ends_the_worker_is_told_once_as_every_crash(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ticker = Ticker(failing(OSError("no route"), 2))
    await ticker.startup()
    await end_of(ticker.wait_for_shutdown())
    told = [record for record in caplog.records if record.exc_info]
    assert [(record.levelno, record.getMessage()) for record in told] == [
        (logging.ERROR, "worker ticker failed after 10.0 seconds (OSError: no route)")
    ]


async def test_an_error_can_forge_no_line(caplog: pytest.LogCaptureFixture) -> None:
    error = OSError("bad\x1b[31m\r\x85 text\nERROR all is lost")
    await end_at(Ticker(failing(error, 1), errors="continue", name="a\nb"), 5)
    (record,) = records(caplog, "worker a%0Ab: a fire failed")
    assert record.getMessage().isprintable()
    assert "all is lost" not in record.getMessage()


async def test_failures_bubble_up_with_the_path_of_who_failed() -> None:
    seen: list[FireFailed] = []
    ticker = Ticker(failing(OSError(), 1), errors="continue")
    group = Workers(ticker, name="app")
    group.subscribe(lambda event: seen.append(event) if isinstance(event, FireFailed) else None)
    async with group:
        await until(5)
    assert [(event.path, event.at) for event in seen] == [("app/ticker", 0)]


async def test_a_listener_that_raises_changes_nothing() -> None:
    def broken(event: object) -> None:
        if isinstance(event, FireFailed | FiresMissed):
            raise ValueError

    ticker = Ticker(failing(OSError(), 1), errors="continue")
    ticker.subscribe(broken)
    block_at(1, 44)
    await end_at(ticker, 55)
    assert ticker.times == [0, 45, 50]


# --- missed --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("missed", "counts"),
    [(Missed.ONCE, [3]), (Missed.SKIP, [4]), (Missed.all(3), [1]), (Missed.all(4), [])],
    ids=repr,
)
@pytest.mark.parametrize("overlap", [Overlap.SKIP, Overlap.concurrent(5)], ids=repr)
async def test_fires_that_were_given_up_are_told_together_when_that_is_noticed(
    missed: Missed, counts: list[int], overlap: Overlap
) -> None:
    """K21: blocked over the fires at 10, 20, 30 and 40."""
    ticker = Ticker(missed=missed, overlap=overlap)
    block_at(1, 47)
    await end_at(ticker, 55)
    assert [event.count for event in ticker.seen(FiresMissed)] == counts
    assert [event.at for event in ticker.seen(FiresMissed)] == [48] * len(counts)
    assert (await ticker.timer())["missed"] == sum(counts)


async def test_the_log_says_how_many_were_missed(caplog: pytest.LogCaptureFixture) -> None:
    for end in (25, 45):
        ticker = Ticker()
        block_at(virtual_loop().time() + 1, end - 1)
        await end_at(ticker, virtual_loop().time() + end + 2)
    one, three = records(caplog, "worker ticker: ")
    assert one.getMessage() == (
        "worker ticker: 1 fire was missed: the loop was blocked, the machine asleep, or the "
        "clock set forward"
    )
    assert three.getMessage().startswith("worker ticker: 3 fires were missed")
    assert one.levelno == logging.WARNING
    assert not one.exc_info
