"""``--init``: the process in front."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import fluid
from fluid.cli import init

APP = """
import os, subprocess
from fluid import Worker

class App(Worker):
    async def run(self):
        if not {orphan}:
            os.write(1, b"ready\\n")
            await self.sleep(60)
            return
        # The shell ends at once, and its child is an orphan then, which ends soon.
        orphan = int(subprocess.check_output(["sh", "-c", "sleep 0.02 >&- & echo $!"]))
        while await self.sleep(0.01):
            try:
                os.kill(orphan, 0)  # a zombie could still be sent a signal
            except ProcessLookupError:
                return
"""


def run(folder: Path, *, orphan: bool) -> subprocess.Popen[bytes]:
    (folder / "app.py").write_text(APP.format(orphan=orphan))
    source = Path(fluid.__file__).parents[1]
    return subprocess.Popen(
        [sys.executable, "-m", "fluid", "run", "--init", "app:App"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(source)},
    )


@pytest.fixture
def forked(monkeypatch):
    """Is in the child of a fork that does not take place."""
    monkeypatch.setattr(os, "fork", lambda: 0)
    before = signal.getsignal(signal.SIGCHLD)
    yield
    signal.signal(signal.SIGCHLD, before)


def test_the_end_of_a_child_is_told_also_where_that_was_ignored(forked, monkeypatch):
    """Whoever has started us may have left it so, and nobody would end the process in front."""
    monkeypatch.setattr(init, "_adopt_orphans", lambda: None)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    init.stand_in_front()
    assert signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL


def test_a_python_without_ctypes_does_without_the_orphans(forked, monkeypatch):
    monkeypatch.setitem(sys.modules, "ctypes", None)
    init.stand_in_front()


@pytest.mark.real
@pytest.mark.skipif(sys.platform != "linux", reason="only the first process gets orphans elsewhere")
def test_an_orphan_that_has_ended_is_waited_for(tmp_path):
    """Z09"""
    with run(tmp_path, orphan=True) as process:
        assert process.wait(20) == 0


@pytest.mark.real
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGQUIT, 128 + signal.SIGQUIT)]
)
def test_a_signal_is_handed_on_and_the_end_is_that_of_the_child(tmp_path, number, code):
    """Z09"""
    with run(tmp_path, orphan=False) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        assert process.wait(20) == code
