"""The reference has every public name, and each says what its users have to know.

The rules are in ``tests/reference/rules.py``; here is who may break them, and why.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import fluid
from tests.reference import rules
from tests.reference.entries import entries, hidden_members, shown_members
from tests.reference.public import Part, parts_of, public
from tests.reference.specimen import Careless, Color

Rule = Callable[[Part], Iterator[str]]

RULES: dict[Rule, dict[str, str]] = {
    rules.undescribed: {},
    rules.undescribed_parameters: {},
    rules.imaginary_parameters: {},
    rules.unsaid_defaults: {},
    rules.unsaid_units: {
        "fluid.Backoff: factor": "a ratio",
        "fluid.Backoff.factor": "a ratio",
        "fluid.Backoff: jitter": "a part of the wait",
        "fluid.Backoff.jitter": "a part of the wait",
        "fluid.DynamicSupervisor: max_children": "a number, which may be inf",
        "fluid.RateLimit: count": "a number of messages",
        "fluid.RateLimit.count": "a number of messages",
        "fluid.Retry: attempts": "a number, which may be inf",
        "fluid.Retry.attempts": "a number, which may be inf",
    },
    rules.unsaid_errors: {
        "fluid.Workers: GroupClosed": "a group that is being made is not closed",
    },
    rules.imaginary_errors: {},
    rules.unsaid_cancellation: {},
    rules.unsaid_results: {},
}
"""Each rule, and who may break it, with the reason."""

NOT_SHOWN = {
    "NoRealIO": "all of it is asyncio's, and refused with a lesson",
}
"""Bases whose members no entry shows."""

NOT_NAMED = {
    "HandlingOptions": "for type checkers: its keys are the arguments of HandlingConsumer",
    "CommonOptions": "likewise",
    "Leaks": "is what `with leaks():` enters; nobody has to name it",
    "ExploredLoop": "a VirtualLoop, as far as a scenario is concerned",
}
"""Classes in public signatures that cannot be imported from a door."""


@functools.cache
def public_parts() -> list[Part]:
    """Returns what the page shows: the public names, and those of their members."""
    return list(_parts())


def _parts() -> Iterator[Part]:
    for name, entry in entries().items():
        thing = public()[name]
        members = shown_members(entry, thing) if inspect.isclass(thing) else set()
        for part in parts_of(name, thing):
            is_made_by_fluid = part.name == name and entry.is_made_by_fluid
            if part.name == name or part.name.rpartition(".")[2] in members:
                yield part.without_parameters() if is_made_by_fluid else part


def faults(rule: Rule) -> set[str]:
    return {fault for part in public_parts() for fault in rule(part)}


# --- the list of names ---------------------------------------------------------------------------


def test_every_public_name_has_an_entry_in_the_reference() -> None:
    assert set(public()) <= set(entries())


def test_every_entry_of_the_reference_is_a_name_to_import() -> None:
    assert set(entries()) <= set(public())


def test_every_public_member_is_shown_by_an_entry_or_left_out_by_name() -> None:
    hidden = {
        f"{name}.{member}"
        for name, entry in entries().items()
        if inspect.isclass(kind := public()[name])
        for member, base in hidden_members(entry, kind).items()
        if base.__name__ not in NOT_SHOWN
    }
    assert hidden == set()


def test_every_member_that_an_entry_names_is_there() -> None:
    for name, entry in entries().items():
        for member in entry.named_members():
            assert hasattr(public()[name], member) or f"{name}.{member}" in {
                part.name for part in parts_of(name, public()[name])
            }


def test_every_class_in_a_public_signature_can_be_imported_from_a_door() -> None:
    texts = (path.read_text(encoding="utf-8") for path in Path(fluid.__path__[0]).rglob("*.py"))
    classes = {name for text in texts for name in re.findall(r"^class (\w+)", text, re.MULTILINE)}
    hidden = classes - {name.rpartition(".")[2] for name in public()}
    seen = {(part.name, name) for part in public_parts() for name in part.names_in_signature()}
    assert {(where, name) for where, name in seen if name in hidden - NOT_NAMED.keys()} == set()
    assert NOT_NAMED.keys() <= {name for _, name in seen}


# --- what is said of them ------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_reference_says_all_but_what_the_table_excuses(rule: Rule) -> None:
    assert faults(rule) == set(RULES[rule])


CARELESS = "tests.reference.specimen.Careless"


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (rules.undescribed, "Careless.silent"),
        (rules.undescribed_parameters, "Careless.greet: name"),
        (rules.undescribed_parameters, "Careless.greet: loud"),
        (rules.imaginary_parameters, "Careless.invented: volume"),
        (rules.unsaid_defaults, "Careless.hurry: pace=2.0"),
        (rules.unsaid_units, "Careless.slow_down: period"),
        (rules.unsaid_units, "Careless.delay"),
        (rules.unsaid_errors, "Careless.check: FluidValueError"),
        (rules.imaginary_errors, "Careless.dream: NightmareError"),
        (rules.unsaid_cancellation, "Careless.rest"),
        (rules.unsaid_results, "Careless.answer"),
    ],
)
def test_rule_finds_what_is_not_said(rule: Rule, fault: str) -> None:
    parts = parts_of(CARELESS, Careless)
    assert f"{CARELESS.removesuffix('Careless')}{fault}" in {
        found for part in parts for found in rule(part)
    }


def test_member_of_an_enum_that_says_nothing_is_found() -> None:
    assert [part.name for part in parts_of("Color", Color) if not part.said.text] == ["Color.RED"]
