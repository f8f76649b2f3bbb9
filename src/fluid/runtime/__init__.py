"""A worker as a process: signals, exit codes, and an end that comes."""

import signal as _signal

from ..errors import FluidError as _FluidError

if not hasattr(_signal, "SIGUSR1"):
    raise _FluidError(
        "fluid cannot run a process here: it needs the signals of POSIX, as Linux and macOS have "
        "them; a worker by itself runs anywhere:  asyncio.run(main())  with  async with worker:"
    )

from .running import run

__all__ = ["run"]
