"""A process that parses, and how to talk with it.

Parsing takes nearly all of the time. Of what could keep it off the loop's thread:

* A thread would do for the loop, but shares one core with all others, and cannot be stopped: while
  it parses, the program cannot end.
* ``ProcessPoolExecutor`` uses all cores, but its processes get the Ctrl-C of the terminal too, and
  they neither can be killed one by one nor end when this process is killed.
* A child with two pipes uses all cores as well. It is in a session of its own, where Ctrl-C does not
  reach it; it can be killed; and it ends with its input, whatever became of us.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE, Process

from . import parse
from .parse import Source, Trouble, source_of
from .scan import MAX_BYTES

LONGEST_REPLY = 16 * MAX_BYTES
"""In bytes: JSON needs up to six for a character, and there are the symbols."""


class ParserProcess:
    """A process that parses one file at a time; it is made when there is one, and again if it dies."""

    def __init__(self) -> None:
        self._process: Process | None = None

    async def parse(self, path: str) -> Source:
        """Has the file at ``path`` parsed. One that kills the process is a file with a problem.

        Cancellation: The process is of no more use; :meth:`end` it.
        """
        if self._process is None:
            self._process = await _start()
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(path).encode() + b"\n")
            return source_of(await process.stdout.readuntil())
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            await self.end()
            detail = f"its process ended with exit code {process.returncode}"
            return Source(trouble=Trouble.FATAL, detail=detail)

    async def end(self) -> None:
        """Kills the process, if there is one; there is nothing in it that could be lost."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.communicate()  # waits for it, and closes the pipes


async def _start() -> Process:
    # -I: neither the user's environment nor the folder of that file has a say in what it imports.
    command = (sys.executable, "-I", parse.__file__)
    return await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, limit=LONGEST_REPLY, start_new_session=True
    )
