"""The tree as text: data in, lines out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluid.cli.drawing import ASCII, LINES, branches_for, draw


def node(path, *children, bound=17.0, kind="Workers"):
    return {"path": path, "kind": kind, "stop_bound": bound, "children": list(children)}


def test_a_worker_alone_is_one_line():
    assert draw(node("app", kind="Cache")) == ["app  Cache  17.0 seconds"]


def test_branches_lead_from_each_worker_to_its_children():
    tree = node(
        "app",
        node("app/db", kind="Database", bound=None),
        node("app/in", node("app/in/a"), node("app/in/b", node("app/in/b/c"))),
        node("app/out", node("app/out/last", bound=0.25)),
        bound=None,
    )
    assert draw(tree) == [
        "app         Workers       no limit",
        "├─ db       Database      no limit",
        "├─ in       Workers   17.0 seconds",
        "│  ├─ a     Workers   17.0 seconds",
        "│  └─ b     Workers   17.0 seconds",
        "│     └─ c  Workers   17.0 seconds",
        "└─ out      Workers   17.0 seconds",
        "   └─ last  Workers    0.2 seconds",
    ]


@pytest.mark.parametrize(
    ("encoding", "branches"),
    [("utf-8", LINES), ("cp437", LINES), ("ascii", ASCII), ("latin-1", ASCII), ("odd", ASCII)],
)
def test_an_encoding_without_lines_gets_ascii(encoding, branches):
    assert branches_for(encoding) == branches


def test_ascii_branches_are_as_wide_as_the_others():
    tree = node("app", node("app/a", node("app/a/b")), node("app/c"))
    assert [len(line) for line in draw(tree, ASCII)] == [len(line) for line in draw(tree)]
    assert "".join(draw(tree, ASCII)).isascii()


def test_a_tree_of_any_depth_is_drawn():
    tree = node("leaf")
    for _ in range(3000):
        tree = node("group", tree)
    assert len(draw(tree)) == 3001


@given(st.text())
def test_no_name_of_a_class_forges_a_line(kind):
    (line,) = draw(node("app", kind=kind))
    assert line.isprintable()
