"""The pictures of docs/timers.md show what happens now."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from fluid import Missed, Overlap
from tools.timelines import FOLDER, PICTURES, main, pictures, record

PAGE = FOLDER.parent / "timers.md"

BEGINS = {
    Overlap.SKIP: [0, 3, 6],
    Overlap.QUEUE_ONE: [0, 2.4, 4.8, 7.2],
    Overlap.concurrent(2): [0, 1, 3, 4, 6, 7],
    Missed.ONCE: [1, 2, 6.55, 7],
    Missed.SKIP: [1, 2, 7],
    Missed.all(3): [1, 2, 6.55, 6.69, 6.83, 7],
}
LEFT_OUT = {
    Overlap.SKIP: [1, 2, 4, 5, 7],
    Overlap.QUEUE_ONE: [1, 3, 5, 6],
    Overlap.concurrent(2): [2, 5],
    Missed.ONCE: [3, 4, 5],
    Missed.SKIP: [3, 4, 5, 6],
    Missed.all(3): [3],
}


@pytest.mark.parametrize("policy", PICTURES.values(), ids=repr)
def test_calls_begin_and_fires_are_left_out_as_the_policy_says(policy: Overlap | Missed):
    """K02, K14"""
    timeline = record(policy)
    assert [call.begin for call in timeline.calls] == BEGINS[policy]
    assert timeline.left_out == LEFT_OUT[policy]


def test_the_pictures_are_those_that_are_drawn_from_a_run():
    drawn = {f"{name}.svg": picture for name, picture in pictures()}
    shown = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert drawn == shown, "they have gone stale: python -m tools.timelines"


def test_every_picture_is_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in PICTURES if f"](timers/{name}.svg)" not in text] == []


def test_a_picture_is_drawn_within_its_frame():
    for _, picture in pictures():
        root = ET.fromstring(picture)
        width, height = float(root.get("width", 0)), float(root.get("height", 0))
        for element in root.iter():
            right = float(element.get("x", 0)) + float(element.get("width", 0))
            lower = float(element.get("y", 0)) + float(element.get("height", 0))
            assert right <= width
            assert lower <= height


def test_the_tool_writes_a_file_for_each_picture(tmp_path, capsys):
    main(tmp_path)
    written = [str(tmp_path / f"{name}.svg") for name in PICTURES]
    assert capsys.readouterr().out.split() == written
    assert {str(path) for path in tmp_path.iterdir()} == set(written)
