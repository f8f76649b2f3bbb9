"""Runs the programs in README.md and docs/, and holds them to the output printed beside them.

A fenced ``python`` block is executed. The blocks of one page share their names, and ``__name__`` is
``"__main__"``, so that a program reads as it would in its own file. Its ``asyncio.run`` runs on
virtual time, so that no page has to hurry; a block right after the comment ``<!-- real time -->``
has the real one. A fenced ``text`` block right after the comment ``<!-- output -->`` has to equal
what the ``python`` block before it printed. Everything else is left alone.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from contextlib import redirect_stdout
from unittest.mock import patch

from sybil import Document, Example, Region, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer

pytest_plugins = ["fluid.testing.pytest"]

OUTPUT = "<!-- output -->"
REAL_TIME = "<!-- real time -->"

execute = PythonEvaluator()


def programs_and_outputs(document: Document) -> Iterator[Region]:
    """Yields what is to be done on one page, in any order: sybil sorts by position."""
    document.namespace["__name__"] = "__main__"
    printed = "(no program ran before this output)"

    def run(example: Example) -> None:
        # Imported here, so that a fluid that does not import fails the pages, not every test.
        import fluid.testing

        nonlocal printed
        real = follows(REAL_TIME, example.region)
        runner = asyncio.run if real else fluid.testing.run
        with redirect_stdout(io.StringIO()) as stdout, patch("asyncio.run", runner):
            try:
                execute(example)
            finally:
                printed = stdout.getvalue()
        print(printed, end="")

    def compare(example: Example) -> None:
        assert printed.rstrip() == example.parsed.rstrip()

    def follows(comment: str, region: Region) -> bool:
        return document.text[: region.start].rstrip().endswith(comment)

    for block in FencedCodeBlockLexer("python")(document):
        yield Region(block.start, block.end, block.lexemes["source"], run)

    texts = FencedCodeBlockLexer("text")(document)
    outputs = [block for block in texts if follows(OUTPUT, block)]
    for block in outputs:
        yield Region(block.start, block.end, block.lexemes["source"], compare)
    if len(outputs) != document.text.count(OUTPUT):
        raise ValueError(f"{document.path}: {OUTPUT} has to stand right before a text block")


pytest_collect_file = Sybil(
    parsers=[programs_and_outputs],
    patterns=["README.md", "docs/*.md", "docs/*/*.md"],
).pytest()
