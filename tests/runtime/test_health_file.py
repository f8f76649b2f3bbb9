"""The file that a process keeps about itself: who writes it, when, and what it survives."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import threading
import time
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from fluid import FluidError, Worker, Workers
from fluid.health import Health, Phase
from fluid.health.file import content
from fluid.health.judging import Question, ask
from fluid.runtime.onlookers import health_file
from fluid.runtime.onlookers.health_file import HealthFile
from fluid.runtime.onlookers.written_file import WrittenFile
from tests.contract.cast import Idle
from tests.runtime.playing import Life, Play, said_by_the_runtime, stop

pytestmark = pytest.mark.real

LIVE, READY = Question
OLD = 1_000_000_000
"""A time long ago, in seconds since the epoch."""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "health.json"


class Disk(WrittenFile):
    """A file whose disk a test can disturb."""

    error = None
    """What it raises."""

    def __init__(self, path):
        super().__init__(path)
        self.uses = []
        self.freed = threading.Event()
        self.freed.set()
        self.used_once = threading.Event()

    def put(self, data):
        self.use("put")
        super().put(data)

    def touch(self):
        self.use("touch")
        return super().touch()

    def use(self, how):
        thread = threading.current_thread().name
        self.uses.append((thread, how, signal.pthread_sigmask(signal.SIG_BLOCK, ())))
        self.freed.wait(5)
        self.used_once.set()
        if self.error is not None:
            raise self.error

    def wait_for_use(self):
        """Waits until the thread has come here once more, and lets no loop run meanwhile."""
        self.used_once.clear()
        assert self.used_once.wait(5)


@asynccontextmanager
async def kept(path, monkeypatch, worker=None, *, probe=None, period=0.005, error=None):
    """Keeps a file as a process does, from its start to its end."""
    disks = []
    monkeypatch.setattr(
        health_file, "WrittenFile", lambda where: disks.append(Disk(where)) or disks[-1]
    )
    loop = asyncio.get_running_loop()
    kept = HealthFile(str(path), Health(worker, "app"), loop, probe, period=period)
    kept.disk = disks[0]
    kept.disk.error = error
    try:
        kept.turn(Phase.STARTING)
        yield kept
        kept.turn(Phase.ENDED)
    finally:
        kept.disk.freed.set()
        kept.close()


async def until(condition):
    """Lets the loop run until something has come true."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


def names_in(folder):
    return [each.name for each in folder.iterdir()]


def blocked_until_not_live(path):
    """Lets nobody else run until the file says that this loop is not alive; returns the verdict."""
    begun = time.monotonic()
    while (verdict := ask(LIVE, str(path))).is_good:
        assert time.monotonic() - begun < 5
        time.sleep(0.001)
    return verdict.line, time.monotonic() - begun


# --- what it says, and when ----------------------------------------------------------------------


async def test_the_file_is_there_before_anything_else_happens_and_gone_at_the_end(
    path, monkeypatch
):
    async with kept(path, monkeypatch):
        assert ask(LIVE, str(path)) == (True, "live: app is starting")
        assert not ask(READY, str(path)).is_good
    assert names_in(path.parent) == []


async def test_a_turn_is_in_the_file_at_once(path, monkeypatch):
    worker = Workers(Idle(), name="app")
    async with kept(path, monkeypatch, worker, period=60.0) as keeper, worker:
        keeper.turn(Phase.READY)
        await until(lambda: ask(READY, str(path)).is_good)
        keeper._health.leaving = Phase.STOPPING
        keeper.turn(Phase.STOPPING)
        await until(lambda: ask(READY, str(path)).line == "not ready: app is stopping")
        assert ask(LIVE, str(path)).is_good


async def test_a_change_without_a_turn_is_in_the_file_after_a_period(path, monkeypatch):
    worker = Workers(Idle(), name="app")
    async with kept(path, monkeypatch, worker), worker:
        await until(lambda: ask(READY, str(path)).is_good)
    assert not path.exists()


async def test_the_file_is_touched_again_and_again(path, monkeypatch):
    async with kept(path, monkeypatch):
        for _ in range(3):
            os.utime(path, (OLD, OLD))
            await until(lambda: path.stat().st_mtime > OLD)


async def test_what_is_new_is_written_and_where_nothing_is_the_file_is_only_touched(
    path, monkeypatch
):
    health = Health(name="app")
    monkeypatch.setattr(health_file, "WrittenFile", Disk)
    keeper = HealthFile(str(path), health, asyncio.get_running_loop(), None)
    for change in ({}, {"_report": health.report()}, {"_missed": 1}, {}, {"_missed": 0}, {}):
        vars(keeper).update(change)
        keeper._write()
    keeper.close()
    hows = [how for _, how, _ in keeper._file.uses]
    assert hows == ["put", "touch", "touch", "put", "touch", "put", "touch"]


async def test_a_file_that_somebody_has_removed_is_written_again(path, monkeypatch):
    async with kept(path, monkeypatch):
        path.unlink()
        await until(path.exists)


async def test_only_a_thread_of_its_own_writes_once_the_loop_runs(path, monkeypatch):
    async with kept(path, monkeypatch) as keeper:
        keeper.disk.uses.clear()
        await until(lambda: len(keeper.disk.uses) > 2)
        assert {thread for thread, _, _ in keeper.disk.uses} == {"fluid.health_file"}


async def test_the_thread_that_writes_leaves_signals_to_the_others(path, monkeypatch):
    async with kept(path, monkeypatch) as keeper:
        await until(lambda: len(keeper.disk.uses) > 1)
        _, _, mask = keeper.disk.uses[-1]
        assert mask >= {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1}


# --- a loop that does not answer -----------------------------------------------------------------


async def test_a_loop_that_is_blocked_is_told_with_how_long_and_by_whom(path, monkeypatch):
    """H07"""
    monkeypatch.setattr("fluid.health.judging.MOST_MUTE", 0.05)
    probe = SimpleNamespace(blocker="worker app/db, at db.py:3 in query", blocked_for=7.0)
    async with kept(path, monkeypatch, probe=probe, period=0.01):
        await until(lambda: ask(LIVE, str(path)).is_good)
        line, seconds = blocked_until_not_live(path)
        assert seconds >= 0.01
        assert line.startswith("not live: the event loop of app has not turned for 7 s; ")
        assert line.endswith("it is blocked by worker app/db, at db.py:3 in query")
        await until(lambda: ask(LIVE, str(path)).is_good)  # and it comes back


async def test_a_loop_that_is_blocked_is_told_where_nobody_looks_for_blocks(path, monkeypatch):
    """H07"""
    monkeypatch.setattr("fluid.health.judging.MOST_MUTE", 0.02)
    async with kept(path, monkeypatch, period=0.01):
        line, _ = blocked_until_not_live(path)
        assert line == "not live: the event loop of app has not turned for 0 s"


async def test_a_loop_that_has_ended_is_not_called_blocked(path, monkeypatch):
    monkeypatch.setattr("fluid.health.judging.MOST_MUTE", 0.02)
    async with kept(path, monkeypatch) as keeper:
        keeper.turn(Phase.ENDED)
        for _ in range(10):
            keeper.disk.wait_for_use()
        assert ask(LIVE, str(path)).is_good


# --- a disk that does not do its duty ------------------------------------------------------------


async def test_a_disk_that_is_full_costs_one_warning_and_nothing_else(path, monkeypatch, caplog):
    error = OSError(28, "No space left on device")
    async with kept(path, monkeypatch, error=error) as keeper:
        await until(lambda: len(keeper.disk.uses) > 5)
        await until(lambda: said_by_the_runtime(caplog))
        keeper.disk.error = None
        os.utime(path, (OLD, OLD))
        await until(lambda: ask(LIVE, str(path)).is_good)
    (line,) = said_by_the_runtime(caplog)
    assert line == (
        f"the health file {path} cannot be written (OSError: [Errno 28] No space left on device); "
        f"whoever reads it takes us for dead soon"
    )


async def test_a_disk_that_hangs_holds_up_neither_the_loop_nor_the_end(path, monkeypatch):
    async with kept(path, monkeypatch) as keeper:
        keeper.disk.freed.clear()
        before = len(keeper.disk.uses)
        await until(lambda: len(keeper.disk.uses) > before)
        begun = time.monotonic()
        for phase in (Phase.READY, Phase.STOPPING, Phase.ENDED):
            keeper.turn(phase)
        keeper.close()
        assert time.monotonic() - begun < 1.0


@pytest.mark.parametrize(
    "place", ["missing/health.json", "", ".", "\udcff/x", "a\nb/health", "\0", "\ud800"]
)
async def test_a_path_that_cannot_be_written_is_refused_with_one_line(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FluidError, match="cannot be written") as refusal:
        HealthFile(place, Health(name="app"), asyncio.get_running_loop(), None)
    assert str(refusal.value).isprintable()
    assert isinstance(refusal.value.__cause__, OSError | ValueError)
    assert names_in(tmp_path) == []


# --- several processes ---------------------------------------------------------------------------


def of_process(pid):
    return content(Health(name="app").report(), pid=pid, mute_for=0.0, blocked_by="")


async def test_the_file_of_another_process_that_lives_is_taken_with_a_warning(
    path, monkeypatch, caplog
):
    path.write_bytes(of_process(os.getppid()))
    async with kept(path, monkeypatch):
        pass
    (line,) = said_by_the_runtime(caplog)
    assert line == (
        f"process {os.getppid()} keeps the health file {path}, too; each has to have one of its own"
    )


@pytest.mark.parametrize("data", [of_process(2**22 + 1), of_process(os.getpid()), b"?", b""])
async def test_what_is_left_of_a_process_that_is_gone_is_taken_without_a_word(
    path, monkeypatch, caplog, data
):
    path.write_bytes(data)
    async with kept(path, monkeypatch):
        await until(lambda: ask(LIVE, str(path)).is_good)
    assert said_by_the_runtime(caplog) == []


async def test_a_run_that_never_came_to_its_first_turn_leaves_no_file(path):
    HealthFile(str(path), Health(name="app"), asyncio.get_running_loop(), None).close()
    assert not path.exists()


# --- one file on a disk --------------------------------------------------------------------------


def test_a_file_is_put_in_place_as_a_whole(path):
    file = WrittenFile(str(path))
    file.put(b"one")
    with path.open("rb") as reader:
        file.put(b"another")
        assert reader.read() == b"one"
    assert path.read_bytes() == b"another"
    assert names_in(path.parent) == [path.name]


def test_a_file_is_taken_away_but_not_one_that_another_process_has_put_there(path):
    file = WrittenFile(str(path))
    file.put(b"ours")
    path.write_bytes(b"theirs")
    file.remove()
    assert path.read_bytes() == b"theirs"
    file.put(b"ours")
    file.remove()
    assert not path.exists()


def test_who_may_read_it_is_everybody_but_for_the_mask_of_the_process(path):
    mask = os.umask(0o027)
    try:
        WrittenFile(str(path)).put(b"")
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_what_others_have_put_in_its_way_is_not_followed(path, tmp_path):
    treasure = tmp_path / "treasure"
    treasure.write_text("gold")
    path.symlink_to(treasure)
    (tmp_path / f".{path.name}.{os.getpid()}").symlink_to(treasure)
    file = WrittenFile(str(path))
    file.put(b"health")
    assert treasure.read_text() == "gold"
    assert path.read_bytes() == b"health"
    assert not path.is_symlink()
    path.unlink()
    path.symlink_to(treasure)
    os.utime(treasure, (OLD, OLD))
    assert file.touch()
    assert treasure.stat().st_mtime == OLD


def test_a_relative_path_is_meant_from_where_the_process_was_started(path, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    file = WrittenFile(path.name)
    monkeypatch.chdir("/")
    file.put(b"health")
    assert path.read_bytes() == b"health"


def test_a_file_that_cannot_be_written_leaves_nothing_behind(path, monkeypatch):
    file = WrittenFile(str(path))
    file.put(b"one")

    def fail(*_):
        raise OSError("no room")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no room"):
        file.put(b"two")
    assert path.read_bytes() == b"one"
    assert names_in(path.parent) == [path.name]


# --- a whole process -----------------------------------------------------------------------------


def test_a_process_keeps_its_file_from_its_start_to_its_end(path, factory):
    seen = []

    class App(Life):
        async def on_startup(self):
            seen.append(ask(LIVE, str(path)).line)

        async def on_shutdown(self):
            await until(lambda: not ask(READY, str(path)).is_good)

    async def run(worker):
        await until(lambda: ask(READY, str(path)).is_good)
        stop(worker)

    settings = {"loop_factory": factory, "health_file": str(path)}
    assert Play(lambda: App(run), settings).run() == (0, "")
    assert seen[0].startswith("live: app:main is starting")
    assert names_in(path.parent) == []


def test_a_process_that_cannot_keep_its_file_does_not_start(tmp_path):
    started = []

    class App(Worker):
        async def run(self):
            started.append(self)

    code, words = Play(App, {"health_file": str(tmp_path / "missing" / "health")}).run()
    assert code == 2
    assert "the health file " in words
    assert "cannot be written (FileNotFoundError: " in words
    assert started == []
