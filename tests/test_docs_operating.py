"""The page for who operates processes: its tables are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

from fluid.metrics import FAMILIES
from fluid.tracing import __doc__ as spans

PAGE = (Path(__file__).parent.parent / "docs/operating.md").read_text("utf-8")


def test_every_metric_is_in_a_table_as_it_is_and_no_other():
    rows = re.findall(r"\| `(fluid_\w+)(?:\{(\w+)\})?` \| (\w+) \| (.*?) \| (.*?) \|\n", PAGE)
    assert rows == [
        (
            family.name,
            ",".join(label for label in family.labels if label != "worker"),
            family.type.value,
            family.unit,
            family.help,
        )
        for family in FAMILIES
    ]


def test_whatever_else_is_called_like_a_metric_is_one():
    names = {family.name for family in FAMILIES}
    assert set(re.findall(r"\bfluid_[a-z_]+\b", PAGE)) <= names


def test_every_span_is_in_the_table():
    assert spans is not None
    kinds = re.findall(r"``(\w+) app/\w+``", spans)
    assert re.findall(r"\| `(\w+) app/\w+` \|", PAGE) == kinds
