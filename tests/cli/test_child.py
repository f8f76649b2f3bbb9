"""A child process: a session of its own, signals through us, and an end with its parent's."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

import fluid
from fluid.cli.child import LIFELINE, end_with_parent, start
from fluid.cli.reload import watch

ORPHAN = """
import os, signal, time
from fluid.cli.child import LIFELINE, end_with_parent
signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
end_with_parent()
assert LIFELINE not in os.environ
time.sleep(30)
"""


@pytest.mark.real
async def test_a_real_child_has_a_session_of_its_own_and_its_end_is_known():
    child = await start([sys.executable, "-c", "input()"])
    assert os.getsid(child.pid) == child.pid
    child.kill()
    assert await child.wait() == -signal.SIGKILL
    child.ask()  # too late, and no error
    child.force()
    child.kill()


@pytest.mark.real
async def test_a_real_child_stops_when_its_parent_is_gone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(fluid.__file__).parents[1]))
    child = await start([sys.executable, "-c", ORPHAN])
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, child.lifeline)  # closes our end, as the system does for whoever is killed
    os.close(nothing)
    assert await child.wait() == 7


@pytest.mark.parametrize("text", ["", "no number", "99999"])
def test_a_lifeline_that_is_none_ends_nobody(monkeypatch: pytest.MonkeyPatch, text: str):
    killed: list[int] = []
    monkeypatch.setattr(os, "kill", lambda process, _number: killed.append(process))
    monkeypatch.setattr(threading.Thread, "start", threading.Thread.run)  # at once, and here
    monkeypatch.setenv(LIFELINE, text)
    end_with_parent()
    assert (LIFELINE in os.environ, killed) == (False, [])


@pytest.mark.real
async def test_a_real_change_of_a_python_file_is_noticed(tmp_path: Path):
    changes = watch([tmp_path])
    first = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0)  # in its first step it begins to watch
    (tmp_path / "notes.txt").write_text("not code")
    (tmp_path / "app.py").write_text("code")
    assert await first == {str(tmp_path / "app.py")}
    await changes.aclose()
