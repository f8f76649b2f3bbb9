"""The lines of the table, in its order, and why fluid may be behind in one."""

from __future__ import annotations

from .figures import Row
from .measures import IDLE, SIZES

NO_SUPERVISOR = "no supervisor"

ROWS: tuple[Row, ...] = (
    *(Row(f"start {size}", f"start of {size:,} workers", "ms") for size in SIZES),
    *(Row(f"stop {size}", f"stop of {size:,} workers", "ms") for size in SIZES),
    Row("messages", "messages through one consumer", "thousands a second", more_is_better=True),
    Row("round trip", "one message, from its sending until it is handled", "us"),
    Row("stop of a sleeping worker", "stop of a worker that sleeps between two works", "ms"),
    Row("restart", "from a crash until the worker runs again", "us", absent=NO_SUPERVISOR),
    Row("idle", f"CPU of {IDLE:,} sleeping workers", "% of a core"),
    Row("idle consumers", f"CPU of {IDLE:,} consumers without messages", "% of a core"),
    Row("memory", "memory of a sleeping worker", "KiB"),
    Row("memory of a consumer", "memory of a consumer", "KiB"),
    Row("import", "import", "ms"),
    Row("first", "import, and all else until the first worker runs", "ms"),
)
