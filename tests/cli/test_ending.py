"""The end of a command that has run nothing: threads of a module do not keep it for ever."""

from __future__ import annotations

import sys

import pytest

from fluid.cli import ending
from fluid.runtime.exit_codes import OVERRAN, exit_code

BEGINS_A_THREAD = """
import threading
may_end = threading.Event()
thread = threading.Thread(target=may_end.wait, daemon={daemon})
thread.start()
from fluid import Worker
class App(Worker):
    async def run(self): pass
"""


@pytest.fixture
def held(monkeypatch):
    """Takes note of what would be held, and how long, instead of doing it."""
    notes = []

    def hold(left, path, facts, front):
        notes.append((left, path, exit_code(facts)))

    monkeypatch.setattr(ending, "hold", hold)
    return notes


def end_of(project, *words, daemon, more=""):
    project.write("app.py", BEGINS_A_THREAD.format(daemon=daemon) + more)
    code = project.fluid(*words).code
    if (app := sys.modules.get("app")) is not None:
        app.may_end.set()
        app.thread.join()
    return code


ENDS = {
    ("check", "app:App"): 0,
    ("check", "app:Ap"): 2,
    ("run", "app:Ap"): 2,
}


@pytest.mark.parametrize("words", ENDS, ids=" ".join)
def test_a_command_that_runs_nothing_keeps_the_deadline_where_a_thread_goes_on(
    project, held, words
):
    assert end_of(project, *words, "--deadline=20", daemon=False) == ENDS[words]
    assert held == [(20.0, words[1], OVERRAN)]


@pytest.mark.parametrize(("deadline", "daemon"), [("20", True), ("inf", False)])
def test_nothing_is_held_where_nothing_goes_on_or_it_may_take_for_ever(
    project, held, deadline, daemon
):
    assert end_of(project, "check", f"--deadline={deadline}", "app:App", daemon=daemon) == 0
    assert held == []
