"""The program that the documentation has always shown, unchanged, and what it prints."""

from __future__ import annotations

import sys
from functools import partial
from unittest.mock import patch

import pytest

import fluid.testing

PROGRAM = """\
import asyncio

from fluid.utils.worker import Worker


class SimpleWorker(Worker):
    async def run(self):
        while self.is_running():
            self.print_message()
            await asyncio.sleep(1)

    def print_message(self):
        print(f"Hello from {self.worker_name} in state {self.worker_state}")


async def main():
    worker = SimpleWorker()
    worker.print_message()
    await worker.startup()
    asyncio.get_event_loop().call_later(5, worker.gracefully_stop)
    await worker.wait_for_shutdown()
    worker.print_message()


if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.mark.parametrize("eager", [False, *([True] if sys.version_info >= (3, 12) else [])])
def test_documented_program_greets_in_every_state_of_its_worker(
    eager: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    with patch("asyncio.run", partial(fluid.testing.run, eager=eager)):
        exec(compile(PROGRAM, "simple_worker.py", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out.splitlines() == [
        "Hello from simple_worker in state init",
        *(["Hello from simple_worker in state running"] * 5),
        "Hello from simple_worker in state stopped",
    ]
