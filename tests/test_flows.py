"""The pictures of docs/design.md show the way that a start, a crash, a message and a stop take."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from tools.flows.__main__ import FOLDER, pictures
from tools.flows.stories import STORIES, Story
from tools.flows.watching import Step, found_in, watched

PAGE = FOLDER.parent / "design.md"

NAMED = {story.name: story for story in STORIES}


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    return dict(pictures())


def test_the_pictures_are_those_that_are_drawn_from_a_run(drawn: dict[str, str]):
    shown = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert drawn == shown, "they have gone stale: make pictures"


def test_every_picture_is_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in NAMED if f"](design/{name}.svg)" not in text] == []


def test_a_step_that_is_not_taken_or_too_early_is_an_error():
    story = NAMED["message"]
    calls = watched(story.play)
    with pytest.raises(LookupError, match="message: Pool._consume is not entered in main"):
        found_in(calls, [Step("main", "Pool._consume", "")], story.name)
    with pytest.raises(LookupError, match=r"QueueConsumer.send is not entered .* after consume"):
        found_in(calls, [story.steps[3], story.steps[0]], story.name)


@pytest.mark.parametrize("story", STORIES, ids=NAMED)
def test_a_way_to_another_task_says_what_takes_it_there(story: Story):
    for before, after in zip(story.steps, story.steps[1:], strict=False):
        assert bool(after.via) == (before.task != after.task), after.function
        assert after.task in story.lanes


def test_texts_stay_within_the_frame_and_their_lane(drawn: dict[str, str]):
    for name, picture in drawn.items():
        root = ET.fromstring(picture)
        for element in root.iter("{http://www.w3.org/2000/svg}text"):
            text = "".join(element.itertext())
            if element.get("font-size") == "11":
                assert len(text) <= 43, f"{name}: {text!r} is too long for a lane"
