"""Several runs in one process, looked at from outside: each begins anew, and leaves nothing."""

from __future__ import annotations

import gc
import os
import signal
import socket
import threading
import weakref
from math import inf
from pathlib import Path

import pytest

from fluid import run
from fluid.health.judging import Question, ask
from fluid.runtime.onlookers.health_file import HealthFile
from tests.runtime.playing import Life, stop

pytestmark = pytest.mark.real


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def open_files():
    """Returns how many descriptors this process has."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def threads():
    return sorted(thread.name for thread in threading.enumerate() if "fluid" in thread.name)


def look_at(path, port, seen):
    """Returns an act that notes what there is to be seen from outside, and stops its worker."""

    def look(worker):
        with socket.create_connection(("127.0.0.1", port)):
            seen.append(ask(Question.LIVE, path).is_good)
        stop(worker)

    return look


def test_runs_one_after_the_other_share_a_port_and_a_file_and_leave_nothing(
    factory, tmp_path, port
):
    path, seen, workers = str(tmp_path / "health"), [], []
    options = {"loop_factory": factory, "http": port, "health_file": path, "deadline": inf}
    run(Life(look_at(path, port, seen)), **options)  # whatever is made once is made now
    before = open_files(), threads()
    for _ in range(3):
        worker = Life(look_at(path, port, seen))
        workers.append(weakref.ref(worker))
        run(worker, **options)
        del worker
    gc.collect()
    assert seen == [True] * 4
    assert (open_files(), threads()) == before
    assert [reference() for reference in workers] == [None] * 3
    assert [*tmp_path.iterdir()] == []


def test_a_run_in_another_thread_is_looked_at_likewise(factory, tmp_path, port):
    path, seen, errors = str(tmp_path / "health"), [], []

    def work():
        try:
            worker = Life(look_at(path, port, seen))
            run(worker, loop_factory=factory, http=port, health_file=path, drain_delay=1.0)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert (seen, errors) == ([True], [])
    assert [*tmp_path.iterdir()] == []


def test_a_child_that_was_forked_off_leaves_the_file_to_its_parent(tmp_path, port):
    path = str(tmp_path / "health")

    def fork(worker):
        kept = next(each for each in gc.get_objects() if isinstance(each, HealthFile))
        if not (child := os.fork()):
            kept.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        found.append(ask(Question.LIVE, path))
        stop(worker)

    found = []
    run(Life(fork), health_file=path, http=port, deadline=inf)
    assert [verdict.is_good for verdict in found] == [True]
    assert [*tmp_path.iterdir()] == []


def test_a_child_that_was_forked_off_keeps_nobody_from_the_port(factory, port):
    def fork(worker):
        if not (child := os.fork()):
            signal.pause()
            os._exit(0)
        children.append(child)
        stop(worker)

    children = []
    options = {"http": port, "deadline": inf, "loop_factory": factory}
    try:
        run(Life(fork), **options)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        run(Life(stop), **options)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
