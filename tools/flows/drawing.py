"""Draws a flow as SVG: a lane for each task, time downwards, a line for each step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

from .stories import Story
from .watching import Call, Step

INK, BLUE, AMBER = "#7a7a7a", "#2f7fc1", "#c27a16"
"""Tones that are dark enough for white paper, and light enough for black."""

LEFT, TOP, LANE, STEP = 14, 78, 250, 52
"""Pixels: the margin, the first step, the width of a lane, the height of a step."""

RULES = "rules"
"""Where functions live that are pure: they are amber, and have their folder with them."""


def draw(story: Story, scenes: Sequence[tuple[Step, Call]]) -> Iterator[str]:
    """Yields the lines of a picture."""
    lanes = {task: LEFT + LANE * index for index, task in enumerate(story.lanes)}
    width, height = LEFT + LANE * len(lanes), TOP + STEP * len(scenes) + 4
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" font-family="system-ui, sans-serif" font-size="12" '
        f'fill="{INK}">'
    )
    yield f"<title>{escape(story.title)}</title>"
    yield f'<text x="{LEFT}" y="20" font-size="14" font-weight="bold">{escape(story.title)}</text>'
    for task, x in lanes.items():
        yield f'<text x="{x}" y="50" font-weight="bold" fill="{BLUE}">{story.lanes[task]}</text>'
        yield f'<path d="M{x + 3} 58V{height - 8}" stroke="{INK}" opacity="0.35"/>'
    for row, ((before, _), (after, _)) in enumerate(pairwise(scenes)):
        if before.task != after.task:
            yield from _change(lanes[before.task], lanes[after.task], TOP + row * STEP, after.via)
    for row, (step, call) in enumerate(scenes):
        yield from _step(step, call, lanes[step.task], TOP + row * STEP)
    yield "</svg>"


def _step(step: Step, call: Call, x: int, y: int) -> Iterator[str]:
    colour = AMBER if call.file.startswith(f"{RULES}/") else BLUE
    yield f'<circle cx="{x + 3}" cy="{y}" r="4" fill="{colour}"/>'
    yield (
        f'<text x="{x + 14}" y="{y + 4}" font-family="ui-monospace, monospace" fill="{colour}">'
        f"{escape(step.function)}</text>"
    )
    folder, _, file = call.file.rpartition("/")
    where = call.file if folder == RULES else file
    yield f'<text x="{x + 14}" y="{y + 18}" font-size="11">{escape(step.note)}'
    yield f'<tspan dx="{6 if step.note else 0}" opacity="0.7">{where}</tspan></text>'


def _change(from_x: int, to_x: int, y: int, via: str) -> Iterator[str]:
    """Yields the way from the lane of one step to that of the next."""
    from_x, to_x, middle, end = from_x + 3, to_x + 3, y + 35, y + STEP - 5
    yield (
        f'<path d="M{from_x} {y + 4}V{middle}H{to_x}V{end}" fill="none" stroke="{INK}" '
        f'stroke-dasharray="3 2"/>'
    )
    yield f'<path d="M{to_x - 3} {end - 5}L{to_x} {end}L{to_x + 3} {end - 5}" fill="{INK}"/>'
    if via:
        right = max(from_x, to_x)
        yield (
            f'<text x="{right - 6}" y="{middle - 3}" text-anchor="end" font-size="11" '
            f'font-style="italic">{escape(via)}</text>'
        )
