"""A process that parses, and how to talk with it.

Parsing takes nearly all of the time. What can keep it off the loop's thread?

* A thread: the least code, but all threads share one core, the loop waits up to 0.13 seconds for
  its turn, and a thread that parses cannot be stopped: until it is done, the program cannot end.
* ``ProcessPoolExecutor``: uses every core, but its processes get the Ctrl-C of the terminal too,
  none of them can be killed by itself, and they stay behind when this process is killed.
* A child and two pipes: every core; the loop waits 6 ms at the most. It is in a session of its own,
  which Ctrl-C does not reach; it can be killed; and it ends with its input, whatever became of us.

For the standard library, on two cores, that is 4.4 seconds instead of 9.2 with a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE, Process

from . import parse
from .parse import Source, Trouble, source_of


class ParserProcess:
    """A process that parses one file after the other.

    It is started for the first file, so that a run without any costs nothing, and again if it dies.
    """

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
            size = int(await process.stdout.readuntil())
            return source_of(await process.stdout.readexactly(size))
        except (asyncio.IncompleteReadError, ConnectionError):
            self._process = None
            detail = f"its process ended with exit code {await process.wait()}"
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
        *command, stdin=PIPE, stdout=PIPE, start_new_session=True
    )
