"""What other systems say of themselves that is not so, or say too late, or not: one test a rule.

The rows are those of the comparison table; each was reproduced on the system that it names. Row 13
has a second half: what a crash means inside an ASGI application, where the server is asked to stop
and ``/livez`` is no longer 200, is in ``tests/http/test_lifespan_ends.py``.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fluid import Supervisor, Worker, Workers
from tests.contract.cast import BoomError
from tests.runtime.playing import Life, Play, raises, sends, stop
from tests.runtime.service_manager import Manager

pytestmark = pytest.mark.real

each_group = pytest.mark.parametrize(
    "group", [Workers, partial(Supervisor, max_restarts=0)], ids=["group", "supervisor"]
)


class Service(Life):
    """Does something in a hook, or in its run."""

    def __init__(self, *acts: Any, hook: Callable[[], None] | None = None, **options: Any) -> None:
        super().__init__(*(acts or [lambda _: None]), **options)
        self.hook = hook

    async def on_startup(self) -> None:
        await super().on_startup()
        if self.hook is not None:
            self.hook()


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    """Returns systemd, which has started the process of the tests."""
    manager = Manager(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", manager.address)
    yield manager
    manager.socket.close()


def status(datagrams: list[str]) -> str:
    """Returns what ``systemctl status`` shows in the end."""
    return [text for text in datagrams if text.startswith("STATUS=")][-1]


@each_group
def test_a_crash_after_the_start_was_announced_ends_the_process_and_is_told(
    group: Callable[..., Worker], manager: Manager
) -> None:
    """Row 13: it was silent, and the process ran on without the service."""
    announced: list[str] = []

    async def crash(worker: Worker) -> None:
        await worker.sleep(0.01)
        announced.extend(manager.words())
        raise BoomError("no route")

    db = Service(crash, name="db")
    code, words = Play(lambda: group(db, Service(name="other"), name="app"), {}).run()
    heard = manager.heard()
    assert announced == ["READY"]
    assert code == 1
    assert "app/db" in words
    assert "BoomError: no route" in words
    assert status(heard) == f"STATUS=exit code 1: {words.removeprefix('app: exit code 1: ')}"


@each_group
def test_a_start_that_fails_is_never_announced_and_whoever_had_started_is_stopped(
    group: Callable[..., Worker], manager: Manager
) -> None:
    """Row 16: ``READY=1`` was sent."""
    diary: list[str] = []
    first = Service(name="first", diary=diary)
    broken = Service(hook=raises(BoomError("no route")), name="db")
    code, words = Play(lambda: group(first, broken, name="app"), {}).run()
    heard = manager.heard()
    assert code == 3
    assert diary == ["start", "end"]
    assert not [text for text in heard if "READY=" in text]
    assert status(heard) == f"STATUS=exit code 3: {words.removeprefix('app: exit code 3: ')}"


ENDS = {
    "a signal": sends(signal.SIGTERM),
    "by itself": stop,
    "a crash": raises(BoomError("no route")),
}


@each_group
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_stop_is_announced_before_any_worker_is_asked(
    group: Callable[..., Worker], end: Callable[[Worker], None], manager: Manager
) -> None:
    """Row 16: ``STOPPING=1`` was sent after the stop."""
    known: list[list[str]] = []

    class Asked(Service):
        def gracefully_stop(self) -> None:
            known.append(manager.words())
            super().gracefully_stop()

    async def end_it(worker: Worker) -> None:
        await worker.sleep(0.01)
        end(worker)

    app = [Service(end_it, name="db"), Asked(name="first"), Asked(name="second")]
    Play(lambda: group(*app, name="app"), {}).run()
    assert known == [["READY", "STOPPING"], []]
