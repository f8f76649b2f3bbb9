"""Metrics as text, in the format that Prometheus reads.

It is written here and not by prometheus-client, which takes several times as long.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/ (version 0.0.4).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from .. import tasks
from ..clock import clock_of
from ..health import Health
from .families import FAMILIES
from .family import Family
from .process import reader
from .reading import Sample, Sheet

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""What a response with this text says it is."""

_of_process = reader()  # now, because that import takes too long for the middle of a scrape

SLICE_SECONDS = 0.002
"""Seconds for which the loop is held up at a time by a tree of many workers."""


def render(health: Health) -> bytes:
    """Returns the metrics of a tree, and of its process, as text in UTF-8.

    From any thread. On that of the workers' event loop, the times of consumers are those of this
    moment, else of the last time that they looked. A tree of a thousand workers or more takes tens
    of milliseconds; :func:`render_in_turn` lets others run meanwhile.

    Args:
        health: That of the tree: ``Health(worker)``.
    """
    return b"".join(_rendering(health))


async def render_in_turn(health: Health) -> bytes:
    """Returns what :func:`render` does, and lets others have a turn every two milliseconds.

    What it says of a large tree is then not all of one moment.

    Args:
        health: That of the tree: ``Health(worker)``.

    Cancellation: Safe; nothing is left behind.
    """
    chunks, now = [], clock_of(asyncio.get_running_loop())
    began = now()
    for chunk in _rendering(health):
        chunks.append(chunk)
        if now() - began > SLICE_SECONDS:
            await tasks.pause()
            began = now()
    return b"".join(chunks)


class Escapes(dict[str, str]):
    """The values of labels as the format wants them; what cannot be printed is not in a path."""

    def __missing__(self, value: str) -> str:
        """Escapes a value, once."""
        text = value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
        self[value] = text
        return text


def _rendering(health: Health) -> Iterator[bytes]:
    """Reads slice by slice, then writes metric by metric."""
    sheet, escapes = Sheet(health), Escapes()
    for _ in sheet.reading():
        yield b""
    for family in FAMILIES:
        if samples := sheet.samples[family.name]:
            yield _block(family, samples, escapes).encode("utf-8", "backslashreplace")
    yield _of_process()


def _block(family: Family, samples: list[Sample], escapes: Escapes) -> str:
    """Returns all that there is of a metric."""
    name, labels = family.name, family.labels
    lines = [f"# HELP {name} {family.help}\n# TYPE {name} {family.type.value}\n"]
    # What no line needs anew is done before: a scrape has a thousand of them, and has to be cheap.
    if not labels:
        lines += [f"{name} {number}\n" for _, number in samples]
    elif len(labels) == 1:
        begin = f'{name}{{{labels[0]}="'
        lines += [f'{begin}{escapes[value]}"}} {number}\n' for (value,), number in samples]
    else:
        begin, then = f'{name}{{{labels[0]}="', f'",{labels[1]}="'
        lines += [
            f'{begin}{escapes[value]}{then}{escapes[other]}"}} {number}\n'
            for (value, other), number in samples
        ]
    return "".join(lines)
