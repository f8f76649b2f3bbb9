"""What is answered, whatever it is made of."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import pytest

from fluid.health import Health
from fluid.http.answers import DEEPEST, LONGEST_LINE, LONGEST_TEXT, MOST_ITEMS, status, text
from tests.http.asking import Reply
from tests.worker.fakes import worker_with


def sent(value: object) -> Any:
    """Returns what arrives of something in a tree."""
    answer = status(Health(worker_with()).report(), {"it": value})
    return Reply(answer.status, {}, answer.body).json["tree"]["it"]


def test_each_line_of_a_text_stays_one_line_and_is_cut():
    lines = text(200, "a\nb\r\x1b\u2028", "x" * 10_000).body.decode().splitlines()
    assert lines[0] == r"a\nb\r\x1b\u2028"
    assert lines[1].startswith("x" * LONGEST_LINE)
    assert len(lines[1]) < LONGEST_LINE + 30
    assert len(lines) == 2


@pytest.mark.parametrize("value", [None, True, 0, -1.5, "", "é\n\x7f", [], {}, [1, {"a": ["b"]}]])
def test_json_is_sent_as_it_is(value: object):
    assert sent(value) == value


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_what_is_no_number_in_json_is_none(value: float):
    assert sent(value) is None


def test_what_is_no_json_is_its_type():
    assert sent({1: object()}) == {"1": "<object>"}


def test_texts_and_lists_and_objects_are_cut():
    assert sent("x" * 10_000) == f"{'x' * LONGEST_TEXT}… (10000 characters)"
    assert sent(list(range(5000))) == list(range(MOST_ITEMS))
    assert len(sent(dict.fromkeys(range(5000)))) == MOST_ITEMS
    assert max(map(len, sent({"x" * 10_000: 1}))) < LONGEST_TEXT + 30


@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"a": inner}], ids="ld")
def test_what_is_too_deep_is_cut(wrap: Any):
    value: object = "bottom"
    for _ in range(5000):
        value = wrap(value)
    depth, found = 0, sent(value)
    while isinstance(found, list | dict):
        depth, found = depth + 1, next(iter(found.values() if isinstance(found, dict) else found))
    assert depth <= DEEPEST
    assert found in ("<list>", "<dict>")
