"""Names: defaults, path segments that cannot lie, keys that are unique."""

from __future__ import annotations

import time
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fluid.rules.names import SlotKeys, escape, snake_case


@pytest.mark.parametrize(
    ("class_name", "name"),
    [
        ("Worker", "worker"),
        ("PriceFeed", "price_feed"),
        ("HTTPServer", "http_server"),
        ("HTTPServer2Worker", "http_server2_worker"),
        ("MyHTTP", "my_http"),
        ("X", "x"),
        ("already_snake", "already_snake"),
        ("_Private", "_private"),
    ],
)
def test_the_default_name_is_the_class_name_in_snake_case(class_name: str, name: str) -> None:
    assert snake_case(class_name) == name


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("parser", "parser"),
        ("price feed-2", "price feed-2"),
        ("größe", "größe"),
        ("a/b", "a%2Fb"),
        ("../etc", "..%2Fetc"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        ("...", "..."),
        ("100%", "100%25"),
        ("a%2Fb", "a%252Fb"),
        ("two\nlines", "two%0Alines"),
        ("\x1b[31mred", "%1B[31mred"),
        ("\u202egnp.exe", "%E2%80%AEgnp.exe"),
        ("\ud800", "%ED%A0%80"),
        ("", ""),
    ],
)
def test_a_segment_shows_the_name_and_escapes_what_could_lie(name: str, segment: str) -> None:
    """I09, A13"""
    assert escape(name) == segment


@given(st.text())
@example("a/b%\n")
@example("..")
def test_a_segment_is_one_printable_segment_and_stands_for_one_name_only(name: str) -> None:
    """I09"""
    segment = escape(name)
    assert "/" not in segment
    assert segment.isprintable()
    assert segment not in (".", "..")
    assert unquote(segment, errors="surrogatepass") == name


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        ([], []),
        (["a"], ["a"]),
        (["a", "a", "a"], ["a", "a-2", "a-3"]),
        (["a", "a-2", "a"], ["a", "a-2", "a-3"]),
        (["a", "a", "a-2"], ["a", "a-2", "a-2-2"]),
        (["a-3", "a", "a", "a"], ["a-3", "a", "a-2", "a-4"]),
        (["x/y", "x/y", "x%2Fy"], ["x%2Fy", "x%2Fy-2", "x%252Fy"]),
    ],
)
def test_a_name_that_is_taken_gets_the_next_number(names: list[str], keys: list[str]) -> None:
    """I04"""
    slots = SlotKeys()
    assert [slots.take(name) for name in names] == keys


@given(st.lists(st.sampled_from(["a", "b", "a-2", "a-3", "a-2-2", "b-2"]), max_size=40))
def test_no_key_is_ever_given_twice(names: list[str]) -> None:
    slots = SlotKeys()
    keys = [slots.take(name) for name in names]
    assert len(set(keys)) == len(keys)
    assert all(key.startswith(name) for key, name in zip(keys, names, strict=True))


def test_ten_thousand_of_one_name_take_linear_time() -> None:
    def cost_of_each(number: int) -> float:
        slots, began = SlotKeys(), time.process_time()
        for _ in range(number):
            slots.take("one name")
        return (time.process_time() - began) / number

    cost_of_each(100)
    assert cost_of_each(20_000) < 10 * max(cost_of_each(2_000), 1e-6)  # the clock may be coarse
