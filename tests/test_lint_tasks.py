"""The lint that keeps the creation and the cancelling of tasks in one file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tools.lint_tasks import breaches_in, main

ROOT = Path(__file__).parent.parent

CREATES = [
    "asyncio.create_task(work())",
    "loop.create_task(work())",
    "self.loop.create_task(work())",
    "asyncio.get_running_loop().create_task(work())",
    "group.create_task(work())",
    "asyncio.ensure_future(work())",
    "from asyncio import create_task",
    "from asyncio import ensure_future as later, sleep",
    "start = loop.create_task",
    "asyncio.Task(work())",
    "Task(work(), loop=loop)",
]

CANCELS = [
    "task.cancel()",
    "task.cancel('enough')",
    "self.task.cancel()",
    "self._tasks[0].cancel()",
    "asyncio.current_task().cancel()",
    "loop.call_later(5, task.cancel)",
    "loop.call_at(5, task.cancel)",
    "loop.call_soon_threadsafe(self.task.cancel, 'enough')",
    "future.add_done_callback(task.cancel)",
    "timer_of_a_task.cancel()",
]

ALLOWED = [
    "tasks.spawn(work(), loop=loop, name='work')",
    "tasks.cancel(task, 'enough')",
    "timer.cancel()",
    "self._limit_timer.cancel()",
    "handle.cancel()",
    "loop.call_later(5, timer.cancel)",
    "asyncio.current_task()",
    "task: asyncio.Task[None]",
    "from asyncio import Task, timeout",
    "isinstance(task, asyncio.Task)",
    "task.cancelled()",
    "task.cancelling()",
    "task.uncancel()",
    "task.add_done_callback(observe)",
    "# loop.create_task(work())",
    "text = 'loop.create_task(work())'",
]


def found(source: str) -> list[tuple[int, str]]:
    return sorted(breaches_in(source))


def test_empty_module_breaks_no_rule() -> None:
    assert found("") == []


@pytest.mark.parametrize("line", CREATES)
def test_line_that_creates_a_task_is_sent_to_spawn(line: str) -> None:
    [(number, message)] = found(line)
    assert number == 1
    assert "fluid.tasks.spawn" in message


@pytest.mark.parametrize("line", CANCELS)
def test_line_that_cancels_what_may_be_a_task_is_sent_to_cancel(line: str) -> None:
    [(number, message)] = found(line)
    assert number == 1
    assert "fluid.tasks.cancel" in message


@pytest.mark.parametrize("line", ALLOWED)
def test_line_that_does_neither_is_left_alone(line: str) -> None:
    assert found(line) == []


def test_message_shows_the_code_that_it_is_about() -> None:
    [(_, message)] = found("self.loop.create_task(work())")
    assert message.startswith("`self.loop.create_task`")
    [(_, message)] = found("loop.call_later(5, self.task.cancel)")
    assert message.startswith("`self.task.cancel`")


def test_every_breach_is_found_wherever_it_stands() -> None:
    source = dedent(
        """\
        import asyncio

        async def run(self):
            async with asyncio.TaskGroup() as group:
                group.create_task(work())
            stop = lambda: self.task.cancel()
            timer.cancel()

        class Later:
            made = [loop.create_task(work()) for work in works]
        """
    )
    assert [line for line, _ in found(source)] == [5, 6, 10]


def test_clean_folder_is_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "worker.py").write_text("timer.cancel()\n")
    assert main(tmp_path) == 0
    assert "only tasks.py" in capsys.readouterr().out


def test_breach_is_printed_as_file_and_line_and_makes_the_lint_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "worker" / "life.py"
    bad.parent.mkdir()
    bad.write_text("import asyncio\n\nasyncio.create_task(work())\ntask.cancel()\n")
    assert main(tmp_path) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in lines] == [f"{bad}:3", f"{bad}:4"]


@pytest.mark.parametrize("path", ["tasks.py", "testing/loop.py", "testing/deep/loop.py"])
def test_module_that_makes_tasks_for_a_living_is_left_out(tmp_path: Path, path: str) -> None:
    module = tmp_path / path
    module.parent.mkdir(parents=True, exist_ok=True)
    module.write_text("loop.create_task(work())\n")
    assert main(tmp_path) == 0


@pytest.mark.parametrize("path", ["worker/tasks.py", "worker/testing/loop.py", "testing.py"])
def test_module_elsewhere_is_not_left_out_for_its_name(tmp_path: Path, path: str) -> None:
    module = tmp_path / path
    module.parent.mkdir(parents=True, exist_ok=True)
    module.write_text("loop.create_task(work())\n")
    assert main(tmp_path) == 1


def test_source_of_fluid_keeps_the_rule() -> None:
    command = [sys.executable, "tools/lint_tasks.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
