"""``fluid check``: the tree, and its time."""

from __future__ import annotations

import pytest

BUDGET = (
    "a stop takes at most 17.0 seconds; "
    "24.0 of the 25 seconds of the process's deadline are for that"
)


def test_check_shows_the_tree_and_its_time(app):
    end = app.fluid("check", "app:make", "--", "a", "b")
    assert end == (
        0,
        [
            "app       Workers  17.0 seconds",
            "├─ cache  Cache    17.0 seconds",
            "├─ a      Cache    17.0 seconds",
            "└─ b      Cache    17.0 seconds",
            BUDGET,
        ],
        [],
    )


def test_check_shows_names_as_the_encoding_allows(app):
    end = app.fluid("check", "app:make", "--", "é", "a\nb", encoding="ascii")
    assert end.lines[1:4] == [
        "|- cache  Cache    17.0 seconds",
        "|- \\xe9      Cache    17.0 seconds",
        "`- a%0Ab  Cache    17.0 seconds",
    ]


BOUNDS = {
    ("--deadline=18.5",): (0, "a stop takes at most 17.0 seconds"),
    ("--deadline=18",): (0, "a stop takes at most 17.0 seconds"),
    ("--deadline=17.9",): (1, "a stop takes at most 17.0 seconds, and only 16.9 of the 17.9 "),
    ("--deadline=25", "--stopping-grace-period=20"): (1, "a stop takes at most 27.0 seconds, and "),
    ("--deadline=25", "--stopping-grace-period=inf"): (1, "a stop takes as long as it likes, and "),
    ("--stopping-grace-period=20",): (0, "a stop takes at most 27.0 seconds, and only 24.0 of "),
    ("--stopping-grace-period=inf", "--deadline=inf"): (0, "a stop takes as long as it likes; "),
    ("--deadline=inf",): (0, "a stop takes at most 17.0 seconds; "),
}


@pytest.mark.parametrize("words", BOUNDS, ids=" ".join)
def test_check_fails_if_the_tree_may_take_longer_than_a_deadline_that_was_set(app, words):
    code, text = BOUNDS[words]
    end = app.fluid("check", *words, "app:make")
    assert (end.code, len(end.errors)) == (code, code)
    last = end.errors[0].removeprefix("fluid: ") if code else end.lines[-1]
    assert last.startswith(text)
    assert not code or last.endswith(
        "give the workers less (--stopping-grace-period, or the periods of their classes), or the "
        "process more (--deadline, and no less to the platform)"
    )


RAISING = """
import sys
from fluid import Worker, Workers

async def work(): ...

def leave(code):
    sys.exit(code)

def misuse():
    return Workers(3)
"""


@pytest.mark.parametrize(
    ("words", "code"),
    [(("app:leave", "--", "out of paper"), 1), (("app:misuse",), 3)],
    ids=["SystemExit", "misuse"],
)
def test_check_exits_as_a_run_would_where_the_function_raises(project, words, code):
    project.write("app.py", RAISING)
    assert project.fluid("check", *words).code == code
