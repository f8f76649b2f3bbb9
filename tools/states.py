"""Draws the picture of docs/lifecycle.md: all the moves of a worker's life, from their table.

Usage: ``python -m tools.states``, in the root of the project.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fluid.rules.lifecycle import TRANSITIONS, Move, WorkerState

PICTURE = Path(__file__).parent.parent / "docs/lifecycle/states.svg"

INK, BLUE, AMBER = "#7a7a7a", "#2f7fc1", "#c27a16"
"""Tones that are dark enough for white paper, and light enough for black."""

WIDTH, HEIGHT, COLUMN, ROW, MARGIN = 146, 34, 250, 62, 12
"""Pixels: of a state, from state to state, and around all of them."""


def main(picture: Path = PICTURE) -> None:
    picture.parent.mkdir(exist_ok=True)
    picture.write_text(drawn(), encoding="utf-8")
    print(picture)


def drawn() -> str:
    """Returns the picture."""
    return "".join(f"{line}\n" for line in _draw(places()))


def places() -> dict[WorkerState, tuple[int, int]]:
    """Returns the column and the row of each state: one column further with each move."""
    columns = {WorkerState.INIT: 0}
    for state, moves in TRANSITIONS.items():
        for target in moves.values():
            columns[target] = max(columns.get(target, 0), columns[state] + 1)
    rows: dict[int, int] = {}
    found: dict[WorkerState, tuple[int, int]] = {}
    for state, column in columns.items():
        found[state] = column, rows.get(column, 0)
        rows[column] = rows.get(column, 0) + 1
    return found


def _draw(where: dict[WorkerState, tuple[int, int]]) -> Iterator[str]:
    deepest = max(row for _, row in where.values())
    lengths = [sum(column == at for at, _ in where.values()) - 1 for column, _ in where.values()]
    boxes = {
        state: (MARGIN + column * COLUMN, MARGIN + (row + (deepest - length) / 2) * ROW)
        for (state, (column, row)), length in zip(where.items(), lengths, strict=True)
    }
    width = 2 * MARGIN + WIDTH + COLUMN * max(column for column, _ in where.values())
    height = 2 * MARGIN + HEIGHT + ROW * deepest
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" font-family="system-ui, sans-serif" font-size="13" '
        f'fill="{INK}">'
    )
    yield "<title>The states of a worker, and every move between them</title>"
    for state, moves in TRANSITIONS.items():
        for move, target in moves.items():
            yield from _arrow(boxes[state], boxes[target], move)
    for state, (x, y) in boxes.items():
        yield from _box(state, x, y)
    yield "</svg>"


def _box(state: WorkerState, x: float, y: float) -> Iterator[str]:
    colour = BLUE if TRANSITIONS[state] else AMBER
    yield (
        f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="8" fill="none" '
        f'stroke="{colour}" stroke-width="1.6"/>'
    )
    yield (
        f'<text x="{x + WIDTH / 2:g}" y="{y + HEIGHT / 2 + 5:g}" text-anchor="middle" '
        f'font-weight="bold" fill="{colour}">{state.name}</text>'
    )


def _arrow(begin: tuple[float, float], end: tuple[float, float], move: Move) -> Iterator[str]:
    x, y, to_x, to_y = begin[0] + WIDTH, begin[1] + HEIGHT / 2, end[0], end[1] + HEIGHT / 2
    bend = x + 16
    yield (
        f'<path d="M{x:g} {y:g}H{bend:g}V{to_y:g}H{to_x - 7:g}" fill="none" stroke="{INK}" '
        f'stroke-width="1.2"/>'
    )
    yield f'<path d="M{to_x - 8:g} {to_y - 4:g}L{to_x - 1:g} {to_y:g}l-7 4z"/>'
    yield (
        f'<text x="{(bend + to_x - 6) / 2:g}" y="{to_y - 5:g}" text-anchor="middle" '
        f'font-size="10.5">{move.name}</text>'
    )


if __name__ == "__main__":
    main()
