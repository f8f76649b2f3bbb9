"""The page ``docs/reference.md``, as Sphinx reads it: which names it has, and which members."""

from __future__ import annotations

import functools
import importlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.reference.public import own_bases, own_members, public

PAGE = Path(__file__).parents[2] / "docs" / "reference.md"

INNER = re.compile(r"^   \.\. auto\w+:: ([\w.]+)\.(\w+)$", re.MULTILINE)
"""A member that is shown by itself, below its class: one of a base that has no entry."""

ENTRY = re.compile(r"^\.\. auto(\w+):: ([\w.]+)(\(.*\))?\n((?: +:.*\n)*)", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """A directive, or a name that one for a whole module stands for."""

    name: str
    is_made_by_fluid: bool = False
    """Whether it is shown without its arguments, since nobody else makes one."""
    options: dict[str, str] = field(default_factory=dict)

    def named_members(self) -> set[str]:
        """Returns the members that it names, to show them alone or to leave them out."""
        lists = (self.options.get(option, "") for option in ("members", "exclude-members"))
        return {word.strip() for each in lists for word in each.split(",")} - {""}


@functools.cache
def entries() -> dict[str, Entry]:
    """Returns the entries of the page, by name."""
    found: dict[str, Entry] = {}
    page = PAGE.read_text(encoding="utf-8")
    for directive, name, signature, lines in ENTRY.findall(page):
        options = dict(re.findall(r":([\w-]+): ?(.*)", lines))
        if directive != "module":
            found[name] = Entry(name, signature == "()", options)
        elif "no-members" not in options:
            each_name = importlib.import_module(name).__all__
            found |= {f"{name}.{each}": Entry(f"{name}.{each}") for each in each_name}
    for name, member in INNER.findall(page):
        found[name].options["members"] += f", {member}"
    return found


def shown_members(entry: Entry, kind: type) -> set[str]:
    """Returns the members of a class that its entry shows."""
    if "no-members" in entry.options:
        return set()
    if entry.options.get("members"):
        return entry.named_members()
    bases = own_bases(kind)
    names = {name for base in bases[: _shown(bases, entry)] for name in own_members(base)}
    return names - entry.named_members()


def _all_members(kind: type) -> dict[str, type]:
    """Returns every public member of a class, with the class that has it first."""
    found: dict[str, type] = {}
    for base in own_bases(kind):
        for name in own_members(base):
            found.setdefault(name, base)
    return found


def hidden_members(entry: Entry, kind: type) -> dict[str, type]:
    """Returns the members that no entry shows or leaves out, its own or that of a base."""
    if "members" in entry.options:
        return {}
    by_kind = {public()[name]: each for name, each in entries().items() if name in public()}
    known: set[str] = set()
    for base in own_bases(kind):
        if base in by_kind:
            known |= shown_members(by_kind[base], base) | by_kind[base].named_members()
    return {name: base for name, base in _all_members(kind).items() if name not in known}


def _shown(bases: list[type], entry: Entry) -> int:
    """Returns how many of its bases, itself included, an entry shows the members of."""
    if "inherited-members" not in entry.options:
        return 1
    ends = {each.strip() for each in entry.options["inherited-members"].split(",")}
    return next((n for n, base in enumerate(bases) if base.__name__ in ends), len(bases))
