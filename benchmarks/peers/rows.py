"""The lines of the table, in its order, and why fluid may be behind in one."""

from __future__ import annotations

from .figures import Row
from .measures import IDLE, SIZES

NO_SUPERVISOR = "no supervisor"

STARTING = """\
fluid gives each worker a state, listeners and a record of its own, and starts one after another, \
each when the one before is ready; what starts faster makes a task and goes on."""

STOPPING = """\
fluid asks each worker, waits for its `run()` to return, and keeps a record of its end. aiomisc \
cancels the tasks, and none of the others keeps records."""

ROUND_TRIP = """\
Both hand the message over in one step of the loop, and that step is most of it; fluid also counts \
what becomes of it."""

RESTARTING = """\
fluid asks its limit and its back-off, makes a new instance and keeps the record of the old one; \
mode starts the same object again."""

IDLING = """\
None of the three does anything while it waits. What is measured is the loop's own timer, a \
hundredth of a percent."""

WORKER = """\
The loop's task, its context and its future are half of it. The other half is a state that whoever \
waits can wait for, and the facts for the record."""

HOLDING = """\
The mailbox of fluid also has an account, a lock for other threads and a place for those who wait \
for room; the consumers of the others are an `asyncio.Queue`."""

LOADING = """\
fluid loads what a kind of worker needs when the first of that kind is made, so what is loaded \
grows with what is used."""

ROWS: tuple[Row, ...] = (
    *(Row(f"start {n}", f"start of {n:,} workers", "ms", behind=STARTING) for n in SIZES),
    *(Row(f"stop {n}", f"stop of {n:,} workers", "ms", behind=STOPPING) for n in SIZES),
    Row("messages", "messages through one consumer", "thousands a second", more_is_better=True),
    Row("round trip", "one message, from its sending until it is handled", "us", behind=ROUND_TRIP),
    Row("stop of a sleeping worker", "stop of a worker that sleeps between two works", "ms"),
    Row(
        "restart",
        "from a crash until the worker runs again",
        "us",
        absent=NO_SUPERVISOR,
        behind=RESTARTING,
    ),
    Row("idle", f"CPU of {IDLE:,} sleeping workers", "% of a core", behind=IDLING),
    Row(
        "idle consumers",
        f"CPU of {IDLE:,} consumers without messages",
        "% of a core",
        behind=IDLING,
    ),
    Row("memory", "memory of a sleeping worker", "KiB", behind=WORKER),
    Row("memory of a consumer", "memory of a consumer", "KiB", behind=HOLDING),
    Row("import", "import", "ms", behind=LOADING),
    Row("first", "import, and all else until the first worker runs", "ms", behind=LOADING),
)
