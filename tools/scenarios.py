"""Shows which scenarios the tests cover, and why they do not cover the others.

``tests/scenarios.toml`` lists the situations that fluid has to get right, each under an id. A test
that puts fluid into one has the id in its docstring, as in ``S14, S15: what it is about``. So
nobody keeps a list of what is covered: this reads it off the tests.

A scenario without a test has a mark, ``later`` or ``never``, that says why, or it is OPEN. Errors
are a catalogue that is not in order, an id that it does not know, and a mark that a test has made
stale; with ``--strict`` also a scenario that is OPEN.

Usage: ``python tools/scenarios.py [--strict]``, in the root of the project.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

ID = re.compile(r"\b[A-Z][0-9]{2}\b")
TIERS = ("virtual", "real", "both")
STATUSES = ("covered", "later", "never", "OPEN")

Groups: TypeAlias = Mapping[str, str]  # the titles, by the letter that the ids begin with
Claims: TypeAlias = Mapping[str, Sequence[str]]  # the tests, by the ids that they name


class Scenario(NamedTuple):
    """An entry of the catalogue, and the tests that have its id."""

    id: str
    rule: str
    tier: str
    origin: str = ""
    later: str = ""
    never: str = ""
    tests: Sequence[str] = ()

    @property
    def status(self) -> str:
        """How things stand with it: one of ``STATUSES``."""
        if self.tests:
            return "covered"
        return "later" if self.later else "never" if self.never else "OPEN"


def main(root: Path, *, strict: bool) -> int:
    """Prints every scenario, the numbers and what is wrong; returns the exit code."""
    claims = claims_in(root)
    groups, catalogue = read(root / "tests/scenarios.toml")
    scenarios = [each._replace(tests=claims.get(each.id, ())) for each in catalogue]
    errors = [*flaws(groups, scenarios), *strangers(groups, scenarios, claims)]
    if strict:
        errors += [f"{each.id} is OPEN" for each in scenarios if each.status == "OPEN"]
    print(*details(groups, scenarios), *numbers(groups, scenarios), sep="\n")
    print(*(f"\nerror: {error}" for error in errors), sep="", end="\n" if errors else "")
    return 1 if errors else 0


def read(path: Path) -> tuple[Groups, list[Scenario]]:
    """Returns what the catalogue says; TOML itself refuses an id that is in it twice."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return tables.pop("groups"), [Scenario(id_, **table) for id_, table in tables.items()]


def claims_in(root: Path) -> Claims:
    """Returns the tests of a project by the ids in their docstrings."""
    claims: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted((root / "tests").rglob("test_*.py")):
        for test, docstring in docstrings_in(ast.parse(path.read_text(encoding="utf-8"))):
            for id_ in dict.fromkeys(ID.findall(docstring)):
                claims[id_].append(f"{path.relative_to(root).as_posix()}::{test}")
    return dict(claims)


def docstrings_in(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yields the name of each test in a module or class, as pytest has it, and its docstring."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                if name.startswith("test_"):
                    yield prefix + name, ast.get_docstring(child) or ""
            case ast.ClassDef(name=name) if name.startswith("Test"):
                yield prefix + name, ast.get_docstring(child) or ""
                yield from docstrings_in(child, f"{prefix}{name}::")
            case ast.If():
                yield from docstrings_in(child, prefix)


def flaws(groups: Groups, scenarios: Sequence[Scenario]) -> Iterator[str]:
    """Yields what is not in order in the catalogue, or is no longer true."""
    for letter in groups:
        ids = [each.id for each in scenarios if each.id.startswith(letter)]
        if ids != [f"{letter}{number:02}" for number in range(1, len(ids) + 1)]:
            yield f"the ids of group {letter} do not count from 01 up"
    for each in scenarios:
        if each.id[0] not in groups:
            yield f"{each.id} belongs to no group"
        if not each.rule.strip():
            yield f"{each.id} has no rule"
        if each.tier not in TIERS:
            yield f"{each.id} has the tier {each.tier!r}, not one of {', '.join(TIERS)}"
        if each.later and each.never:
            yield f"{each.id} is marked later and never"
        if each.tests and (each.later or each.never):
            yield f"{each.id} is marked, but covered by {', '.join(each.tests)}"


def strangers(groups: Groups, scenarios: Sequence[Scenario], claims: Claims) -> Iterator[str]:
    """Yields the ids that look like one of the catalogue's and are not in it."""
    for id_ in sorted(claims.keys() - {each.id for each in scenarios}):
        if id_[0] in groups:
            yield f"{id_} is not in the catalogue: {', '.join(claims[id_])}"


def details(groups: Groups, scenarios: Sequence[Scenario]) -> Iterator[str]:
    """Yields each scenario, and below it what covers it, or why nothing does."""
    for letter, title in groups.items():
        yield f"{letter}. {title}\n"
        for each in scenarios:
            if each.id.startswith(letter):
                yield f"{each.id}  {each.status:<7}  {each.tier:<7}  {each.rule}"
                notes = each.tests or filter(None, (each.later, each.never))
                yield from (f"     {note}" for note in notes)
        yield ""


def numbers(groups: Groups, scenarios: Sequence[Scenario]) -> Iterator[str]:
    """Yields a table of how many scenarios of each group stand how."""
    width = max(map(len, groups.values()), default=0) + 3
    yield " " * width + "".join(f"{heading:>9}" for heading in (*STATUSES, "total"))
    rows = {f"{letter}. {title}": letter for letter, title in groups.items()}
    for heading, letter in {**rows, "total": ""}.items():
        counts = Counter(each.status for each in scenarios if each.id.startswith(letter))
        columns = (*(counts[status] for status in STATUSES), counts.total())
        yield heading.ljust(width) + "".join(f"{count:>9}" for count in columns)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Show which scenarios the tests cover.")
    parser.add_argument("--strict", action="store_true", help="fail if a scenario is OPEN")
    sys.exit(main(Path(), strict=parser.parse_args().strict))
