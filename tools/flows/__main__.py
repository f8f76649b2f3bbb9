"""Draws the pictures of docs/design.md: which function follows which, in whose task.

Nothing in them is claimed by hand alone. Each flow is a list of steps (:mod:`.stories`) and a small
program on the virtual clock; the program is run and watched (:mod:`.watching`), and a step that did
not happen, in that task and that order, is an error. The same code draws the same bytes
(:mod:`.drawing`), so a test can compare them with what is in docs/design/.

Usage: ``python -m tools.flows``, in the root of the project.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .drawing import draw
from .stories import STORIES
from .watching import found_in, watched

FOLDER = Path(__file__).parents[2] / "docs/design"


def main(folder: Path = FOLDER) -> None:
    folder.mkdir(exist_ok=True)
    for name, picture in pictures():
        (folder / f"{name}.svg").write_text(picture, encoding="utf-8")
        print(folder / f"{name}.svg")


def pictures() -> Iterator[tuple[str, str]]:
    """Yields each picture after its name."""
    for story in STORIES:
        scenes = found_in(watched(story.play), story.steps, story.name)
        yield story.name, "".join(f"{line}\n" for line in draw(story, scenes))


if __name__ == "__main__":
    main()
