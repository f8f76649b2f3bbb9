"""What the coverage of the tests leaves out: each exclusion says why."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PRAGMA = re.compile(r"#\s*pragma:?\s*no (?:cover|branch)(?P<reason>.*)")
REASON = re.compile(r" - \w.+")
PATTERN = re.compile(r'\s*".+",\s+# \w.+')


def test_every_line_that_is_not_to_be_covered_says_why() -> None:
    for path in sorted((ROOT / "src").rglob("*.py")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if found := PRAGMA.search(line):
                assert REASON.fullmatch(found["reason"]), f"{path}:{number}: {line.strip()}"


def test_every_pattern_of_lines_that_are_not_to_be_covered_says_why() -> None:
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    patterns = re.search(r"^exclude_also = \[\n(.*?)^\]", settings, re.MULTILINE | re.DOTALL)
    assert patterns
    for line in patterns[1].splitlines():
        assert PATTERN.fullmatch(line), line
