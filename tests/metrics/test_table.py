"""The table of metrics, row by row."""

from __future__ import annotations

import re

import pytest

from fluid.metrics import FAMILIES, Family, MetricType

each = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)

SUFFIXES = {"seconds": "_seconds"}
"""What a name ends with, before any ``_total``, where it is counted in a unit of measurement."""


def test_each_name_is_there_once():
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)


@each
def test_a_name_is_fluids_and_says_how_the_number_moves_and_in_which_unit(family: Family):
    assert re.fullmatch(r"fluid(_[a-z]+)+", family.name)
    assert family.name.endswith("_total") is (family.type is MetricType.COUNTER)
    bare = family.name.removesuffix("_total")
    for unit, suffix in SUFFIXES.items():
        assert bare.endswith(suffix) is (family.unit == unit)


@each
def test_a_worker_is_the_first_label_and_no_row_has_more_than_two(family: Family):
    assert len(family.labels) <= 2
    assert "worker" not in family.labels[1:]


@each
def test_a_row_says_what_it_is_in_sentences_of_one_line(family: Family):
    assert family.help.endswith(".")
    assert family.help.isprintable()
    assert "\\" not in family.help  # which the format would want escaped
