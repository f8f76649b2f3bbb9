"""The pages in ``docs/`` say what the code says; that their programs run is up to conftest.py."""

from __future__ import annotations

import asyncio
import logging
import re
from pathlib import Path

import fluid
import fluid.testing
import fluid.utils.dispatcher
from fluid import Account, QueueConsumerWorker, events, logs
from fluid.errors import ChildEnd
from fluid.rules.lifecycle import WorkerState, after
from fluid.rules.outcome import Facts, judge
from tools import states

DOCS = Path(__file__).parents[1] / "docs"
FLAGS = re.DOTALL | re.MULTILINE

E = ValueError("the text of E")

LIVES = [
    Facts(start_error=E),
    Facts(stopped_in_start=True),
    Facts(run_error=E),
    Facts(cancelled=asyncio.CancelledError()),
    Facts(forced=True),
    Facts(abandoned=True),
    Facts(),
]
"""The facts of the outcome table's rows, in order."""

DB = ("app/db", 0.0)
AT = ("db.py:1 in Db.run",)
CRASH = ChildEnd("app/db", 0.0, 1, 12.0, "failed (ConnectionError: no route)")

EVENTS = [
    events.WorkerStarted(*DB),
    events.WorkerReady(*DB),
    events.StillStarting(*DB, 10.0, AT),
    events.BudgetShrunk(*DB, 17.0, 6.0),
    events.WorkerStopping(*DB, True, 17.0),
    events.WorkerStopping(*DB, False, 0.0),
    events.WorkerCancelledByForce(*DB, "run", 1, AT),
    events.WorkerCancelledByForce(*DB, "run", 2, AT),
    events.WorkerAbandoned(*DB, "run", AT),
    events.MessagesUndelivered(*DB, 3, events.Fate.DROPPED),
    events.MessageDied(*DB, 5, ConnectionError("no route")),
    events.HandlerAbandoned(*DB, AT),
    events.FireFailed(*DB, ConnectionError("no route"), None),
    events.FireFailed(*DB, ConnectionError("no route"), 1.0),
    events.FiresMissed(*DB, 3),
    events.MessagesAccounted(*DB, {"accepted": 20, "handled": 19, "dead": 1, "dropped": 0}),
    events.SecondaryError(*DB, "on_shutdown", OSError("disk full")),
    events.WorkerStopped(*DB, "normal shutdown", 12.0),
    events.WorkerForceStopped(*DB, "forced shutdown", 12.0),
    events.WorkerFailed(*DB, "no route", 12.0, ConnectionError("no route"), "app/db"),
    events.WorkerFailed(*DB, "no route", 12.0, ConnectionError("no route"), "app/db/pool"),
    events.LateEnd(*DB, None),
    events.HeartbeatLost(*DB, 30.0, AT),
    events.LoopStalled(*DB, 2.0, AT, "app/db", True),
    events.RestartScheduled(*DB, CRASH, 0.5, 4, 60.0),
    events.GaveUp(
        "app",
        0.0,
        "app/db",
        "after 5 restarts within 60 seconds, "
        "worker app/db failed (ConnectionError: no route) after 12.0 seconds",
        (CRASH,) * 6,
    ),
]
"""What the rows of the table of log lines tell of, in order."""


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def rows(text: str, heading: str) -> list[list[str]]:
    """Returns the cells of the first table below a heading, without its two head lines."""
    section = text.split(f"## {heading}\n")[1]
    lines = re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE)[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_picture_of_states_is_the_one_drawn_from_the_table():
    assert states.PICTURE.read_text(encoding="utf-8") == states.drawn(), "stale: make pictures"
    assert "](lifecycle/states.svg)" in page("lifecycle")


def test_the_table_of_states_names_every_state_in_order():
    assert [row[0] for row in rows(page("lifecycle"), "States")] == [s.name for s in WorkerState]


def test_the_outcome_table_says_what_the_judge_says():
    shown = [tuple(row[1:4]) for row in rows(page("lifecycle"), "How it ends")]
    judged = []
    for facts in LIVES:
        verdict = judge(facts)
        state = after(WorkerState.STOPPING, verdict.move).name
        reason = "`str(E)`" if verdict.reason == str(E) else f'"{verdict.reason}"'
        judged.append((state, reason, str(verdict.code)))
    assert shown == judged


def test_the_log_lines_are_those_that_are_written():
    table = rows(page("log-lines"), "Log lines")
    assert [row[0] for row in table] == [logging.getLevelName(event.level) for event in EVENTS]
    for row, event in zip(table, EVENTS, strict=True):
        # An ellipsis stands for anything, or for nothing.
        assert re.fullmatch(re.escape(row[1]).replace("…", ".*"), logs.line(event))


def test_every_kind_of_event_has_a_log_line_in_the_table():
    kinds = {kind for kind in vars(events).values() if isinstance(kind, type)}
    kinds = {kind for kind in kinds if issubclass(kind, events.WorkerEvent)}
    assert kinds - {events.WorkerEvent, events.WorkerEnded} == {type(event) for event in EVENTS}


def test_the_picture_of_the_account_has_every_column_of_it():
    (shown,) = re.findall(
        r"^## Where a message is\n+```text\n(.*?)```", page("back-pressure"), FLAGS
    )
    assert set(Account._fields) <= set(re.findall(r"\w+", shown))


def test_the_fates_of_messages_that_are_left_are_those_of_the_log():
    (shown,) = re.findall(
        r"^## What is handed back\n.*?```text\n(.*?)```", page("back-pressure"), FLAGS
    )
    left = [events.MessagesUndelivered("app/saver", 0.0, 3, fate) for fate in events.Fate]
    assert shown.splitlines() == [
        f"{logging.getLevelName(event.level)} {logs.line(event)}" for event in left
    ]


def test_the_counters_of_a_consumer_are_explained_in_order():
    shown = [row[0].strip("`") for row in rows(page("back-pressure"), "Reading the counters")]
    assert shown == list(QueueConsumerWorker(print)._worker.handling_facts())


def test_every_public_name_is_in_the_reference():
    documented = set(re.findall(r":: [\w.]+\.(\w+)", page("reference")))
    for module in (fluid, fluid.utils.dispatcher, fluid.testing):
        assert set(module.__all__) <= documented


def test_every_page_is_in_the_table_of_contents():
    listed = set(re.findall(r"^([\w-]+)$", page("index"), re.MULTILINE))
    assert {path.stem for path in DOCS.glob("*.md")} - {"index"} <= listed
