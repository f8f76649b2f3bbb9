"""The tool that changes the rules in small ways: which changes it makes, and how it names them."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from tools.mutants import LIST, Account, Name, all_trials, conclusion, name_of, read_list
from tools.mutants_changes import Mutant, mutants
from tools.mutants_tests import Known
from tools.mutants_trials import Trial, Verdict


def changes(source: str) -> list[str]:
    """Returns what may be changed in a module, in words."""
    return [mutant.change for mutant in mutants(ast.parse(dedent(source)))]


def changed(source: str, number: int) -> str:
    """Returns the source of one mutant."""
    tree = ast.parse(dedent(source))
    list(mutants(tree))[number].apply()
    return ast.unparse(ast.fix_missing_locations(tree))


@pytest.mark.parametrize(
    ("source", "mutated"),
    [
        ("x = a < b", ["x = a <= b"]),
        ("x = a == b", ["x = a != b"]),
        ("x = a in b", ["x = a not in b"]),
        ("x = a < b < c", ["x = a <= b < c", "x = a < b <= c"]),
        ("x = a + b", ["x = a - b"]),
        ("x = a ** b", ["x = a * b"]),
        ("x = a and b", ["x = a or b", "x = b", "x = a"]),
        ("x = not a", ["x = a"]),
        ("x = 5", ["x = 6", "x = 4"]),
        ("x = True", ["x = False"]),
        ("x = 'a'", ["x = ''"]),
        ("x = min(a)", ["x = max(a)"]),
        ("x = a if b else c", ["x = a if not b else c"]),
        ("x += a", ["x -= a", "pass"]),
        ("x.y = a", ["pass"]),
        ("f()", ["pass"]),
        ("x = {a: b.c, d: b.e}", ["x = {d: b.e}", "x = {a: b.e, d: b.e}", "x = {a: b.c}"]),
    ],
)
def test_a_small_thing_becomes_another(source: str, mutated: list[str]) -> None:
    assert [changed(source, number) for number in range(len(mutated))] == mutated


@pytest.mark.parametrize(
    "source",
    ['"""Words."""', "assert a < 5", "import a", "x: Literal['a']", "def f(a: 'b') -> 'c': ...",
     "if TYPE_CHECKING:\n    f()", "__slots__ = ('a',)", "T = TypeVar('T')"],
)  # fmt: skip
def test_what_only_a_reader_or_a_type_checker_sees_is_left_alone(source: str) -> None:
    assert changes(source) == []


def test_of_an_error_that_is_raised_the_message_is_left_alone_and_the_raise_is_not() -> None:
    assert changes("raise ValueError(f'{a} is no good', 5)") == [
        "without `raise ValueError(f'{a} is no good', 5)`"
    ]


def test_a_mutant_is_named_by_its_function_and_those_that_read_alike_by_their_number() -> None:
    tree = ast.parse("class A:\n    def f(self):\n        return b(1) + b(1)")
    names = [(mutant.place, mutant.change) for mutant in mutants(tree)]
    assert ("A.f", "1 -> 2 in `return b(1) + b(1)`") in names
    assert ("A.f", "1 -> 2 in `return b(1) + b(1)` (2)") in names
    assert len(set(names)) == len(names)


def test_each_mutant_of_the_rules_has_a_name_of_its_own_and_each_on_the_list_exists() -> None:
    names = [name_of(trial) for trial in all_trials("")]
    assert len(set(names)) == len(names) > 1000
    assert read_list(LIST).keys() <= set(names)


def test_every_mutant_on_the_list_has_a_reason() -> None:
    assert all(why.strip() for why in read_list(LIST).values())


def account_of(**verdicts: Verdict) -> Account:
    account, tree = Account(), ast.parse("pass")
    for change, verdict in verdicts.items():
        mutant = Mutant("f", change, tree, "body", 0, tree.body[0])
        account.note(Trial("fluid.rules.names", mutant, tree), verdict)
    return account


@pytest.mark.parametrize(
    ("listed", "code"),
    [(["b"], 0), ([], 1), (["a", "b"], 1), (["b", "gone"], 1)],
    ids=["as listed", "one without a reason", "one that is killed", "one that is no more"],
)
def test_the_survivors_have_to_be_those_on_the_list(listed: list[str], code: int) -> None:
    account = account_of(a=Verdict.KILLED, b=Verdict.SURVIVED)
    explained = {Name("names:f", change): "why" for change in listed}
    assert conclusion(account, explained, is_whole=True) == code


def test_a_function_is_tried_by_those_who_call_it_and_a_table_by_all_the_quickest_first() -> None:
    known = Known(
        {"m:f": ["t.py::a", "t.py::b"], "m:(module)": ["t.py::a", "t.py::b"]},
        {"t.py::a": 0.2, "t.py::b": 0.1, "u.py::c": 0.0},
    )
    assert known.tests_of("m", "f") == ["t.py::b", "t.py::a"]
    assert known.tests_of("m", "(module)") == ["t.py::b", "t.py::a", "u.py::c"]
    assert known.tests_of("m", "Class") == ["t.py::b", "t.py::a", "u.py::c"]
