"""The list of scenarios, and the tool that finds out which of them the tests cover."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path
from textwrap import dedent

import pytest

from tools.scenarios import (
    STATUSES,
    Scenario,
    claims_in,
    details,
    docstrings_in,
    flaws,
    main,
    numbers,
    read,
    strangers,
)

ROOT = Path(__file__).parent.parent

SIZES = {
    "S": 29,
    "H": 14,
    "N": 9,
    "G": 22,
    "F": 12,
    "C": 22,
    "E": 15,
    "L": 14,
    "I": 13,
    "P": 26,
    "W": 12,
    "O": 7,
    "D": 22,
    "T": 12,
    "Q": 18,
    "U": 10,
    "B": 10,
    "K": 22,
    "X": 9,
    "Z": 14,
    "A": 14,
}
"""How many scenarios each group has."""

GROUPS = {"X": "Examples", "Y": "Others"}

CATALOGUE = """
[groups]
X = "Examples"

[X01]
rule = "It is covered."
tier = "virtual"
origin = "another project"

[X02]
rule = "It waits."
tier = "real"
later = "needs time"

[X03]
rule = "It is open."
tier = "both"
"""


def scenario(id_: str, **facts) -> Scenario:
    return Scenario(id_, **{"rule": "It holds.", "tier": "virtual", **facts})


def project(folder: Path, catalogue: str = CATALOGUE, **docstrings: str) -> Path:
    """Makes a project with this catalogue and a test with each of the docstrings."""
    (folder / "tests").mkdir()
    (folder / "tests/scenarios.toml").write_text(catalogue)
    tests = "".join(f'def test_{name}():\n    """{text}"""\n' for name, text in docstrings.items())
    (folder / "tests/test_it.py").write_text(tests)
    return folder


# --- what a test says ----------------------------------------------------------------------------


def names_in(source: str) -> list[str]:
    return [name for name, docstring in docstrings_in(ast.parse(dedent(source))) if docstring]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("", []),
        ("def test_a():\n    '''X01'''", ["test_a"]),
        ("async def test_a():\n    '''X01'''", ["test_a"]),
        ("@given(one)\n@mark.real\ndef test_a():\n    '''X01'''", ["test_a"]),
        ("if newer:\n    def test_a():\n        '''X01'''", ["test_a"]),
        ("if newer:\n    pass\nelse:\n    def test_a():\n        '''X01'''", ["test_a"]),
        ("class TestA:\n    '''X01'''", ["TestA"]),
        ("class TestA:\n    def test_b(self):\n        '''X01'''", ["TestA::test_b"]),
        (
            "class TestA:\n    class TestB:\n        def test_c(self):\n            '''X01'''",
            ["TestA::TestB::test_c"],
        ),
        ("def test_a(): pass", []),
        ("def helper():\n    '''X01'''", []),
        ("class Fake:\n    '''X01'''\n    def test_b(self):\n        '''X01'''", []),
        ("def helper():\n    def test_a():\n        '''X01'''", []),
        ("'''X01'''", []),
    ],
)
def test_only_tests_are_asked_for_their_docstrings(source: str, names: list[str]) -> None:
    assert names_in(source) == names


@pytest.mark.parametrize(
    ("docstring", "ids"),
    [
        ("X01", ["X01"]),
        ("X01, X02: what it is about.", ["X01", "X02"]),
        ("What it is about.\n\n    See X02 and (X01); X02 again.", ["X02", "X01"]),
        ("X01/X02", ["X01", "X02"]),
        ("Z10: of another list.", ["Z10"]),
        ("x01, XX01, X1, X001, X01a, aX01, X01_a", []),
        ("", []),
    ],
)
def test_ids_are_found_as_whole_words(tmp_path: Path, docstring: str, ids: list[str]) -> None:
    claims = claims_in(project(tmp_path, a=docstring))
    assert claims == {id_: ["tests/test_it.py::test_a"] for id_ in ids}


def test_tests_are_found_in_every_folder_and_in_a_fixed_order(tmp_path: Path) -> None:
    project(tmp_path, b="X01", a="X01")
    deep = tmp_path / "tests" / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "test_deep.py").write_text("class TestA:\n    def test_c(self):\n        'X01'\n")
    (deep / "helpers.py").write_text("def test_d():\n    'X01'\n")
    assert claims_in(tmp_path) == {
        "X01": [
            "tests/a/b/test_deep.py::TestA::test_c",
            "tests/test_it.py::test_b",
            "tests/test_it.py::test_a",
        ]
    }


# --- what the catalogue says ---------------------------------------------------------------------


def test_catalogue_is_read_as_titles_and_scenarios(tmp_path: Path) -> None:
    groups, scenarios = read(project(tmp_path) / "tests/scenarios.toml")
    assert groups == {"X": "Examples"}
    assert [each.id for each in scenarios] == ["X01", "X02", "X03"]
    assert scenarios[0].origin == "another project"
    assert scenarios[1].later == "needs time"


@pytest.mark.parametrize(
    ("added", "error"),
    [
        ("\n[X01]\nrule = 'again'\n", tomllib.TOMLDecodeError),
        ("\n[X04]\nrule = 'it holds'\n", TypeError),
        ("\n[X04]\nrule = 'it holds'\ntier = 'real'\nlatter = 'a slip'\n", TypeError),
    ],
    ids=["an id twice", "a key that is missing", "a key that nobody knows"],
)
def test_entry_that_cannot_be_read_is_an_error(
    tmp_path: Path, added: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        main(project(tmp_path, CATALOGUE + added), strict=False)


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({}, "OPEN"),
        ({"tests": ["test_a"]}, "covered"),
        ({"later": "needs time"}, "later"),
        ({"never": "is no use"}, "never"),
    ],
)
def test_status_is_what_covers_or_explains_a_scenario(facts, status: str) -> None:
    assert scenario("X01", **facts).status == status
    assert status in STATUSES


@pytest.mark.parametrize("ids", [[], ["X01"], ["X01", "X02", "Y01"]])
def test_catalogue_in_order_has_no_flaws(ids: list[str]) -> None:
    assert list(flaws(GROUPS, [scenario(id_) for id_ in ids])) == []


@pytest.mark.parametrize(
    ("scenarios", "words"),
    [
        ([scenario("X02")], "group X do not count from 01 up"),
        ([scenario("X01"), scenario("X03")], "group X do not count from 01 up"),
        ([scenario("X02"), scenario("X01")], "group X do not count from 01 up"),
        ([scenario("X1")], "group X do not count from 01 up"),
        ([scenario("Z01")], "Z01 belongs to no group"),
        ([scenario("X01", rule=" ")], "X01 has no rule"),
        ([scenario("X01", tier="unreal")], "X01 has the tier 'unreal'"),
        ([scenario("X01", later="so", never="so")], "X01 is marked later and never"),
        ([scenario("X01", later="so", tests=["test_a"])], "marked, but covered by test_a"),
        ([scenario("X01", never="so", tests=["test_a"])], "marked, but covered by test_a"),
    ],
)
def test_flaw_is_named(scenarios: list[Scenario], words: str) -> None:
    (flaw,) = flaws(GROUPS, scenarios)
    assert words in flaw


def test_only_ids_of_the_groups_in_the_catalogue_have_to_be_in_it() -> None:
    claims = {"X01": ["test_a"], "X30": ["test_b", "test_c"], "Z30": ["test_d"]}
    assert list(strangers(GROUPS, [scenario("X01")], claims)) == [
        "X30 is not in the catalogue: test_b, test_c"
    ]


# --- what is printed -----------------------------------------------------------------------------


def test_scenarios_are_printed_by_group_with_tests_and_reasons_below_them() -> None:
    scenarios = [
        scenario("X01", tests=["test_a", "test_b"]),
        scenario("X02", tier="real", later="needs time"),
        scenario("Y01", tier="both", never="is no use"),
        scenario("Y02"),
    ]
    assert "\n".join(details(GROUPS, scenarios)) == dedent(
        """\
        X. Examples

        X01  covered  virtual  It holds.
             test_a
             test_b
        X02  later    real     It holds.
             needs time

        Y. Others

        Y01  never    both     It holds.
             is no use
        Y02  OPEN     virtual  It holds.
        """
    )


def test_numbers_add_up_by_group_and_in_all() -> None:
    scenarios = [scenario("X01", tests=["test_a"]), scenario("X02"), scenario("Y01", never="no")]
    table = [line.rsplit(maxsplit=5) for line in numbers(GROUPS, scenarios)]
    assert table == [
        [*STATUSES, "total"],
        ["X. Examples", "1", "0", "0", "1", "2"],
        ["Y. Others", "0", "0", "1", "0", "1"],
        ["total", "1", "0", "1", "1", "3"],
    ]


@pytest.mark.parametrize(
    ("docstrings", "strict", "errors"),
    [
        ({"a": "X01"}, False, []),
        ({}, False, []),
        ({"a": "X01"}, True, ["X03 is OPEN"]),
        ({"a": "X01", "b": "X03"}, True, []),
        ({"a": "X04"}, False, ["X04 is not in the catalogue: tests/test_it.py::test_a"]),
        ({"a": "X02"}, False, ["X02 is marked, but covered by tests/test_it.py::test_a"]),
    ],
)
def test_errors_are_printed_last_and_make_the_tool_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], docstrings, strict: bool, errors: list[str]
) -> None:
    assert main(project(tmp_path, **docstrings), strict=strict) == bool(errors)
    printed = capsys.readouterr().out
    assert printed.startswith("X. Examples\n")
    assert printed.partition("\nerror: ")[2] == "\nerror: ".join(errors) + "\n" * bool(errors)


# --- the catalogue of this project ---------------------------------------------------------------


def test_every_group_of_the_catalogue_has_all_of_its_scenarios() -> None:
    groups, scenarios = read(ROOT / "tests/scenarios.toml")
    assert list(groups) == list(SIZES)
    assert [each.id for each in scenarios] == [
        f"{letter}{number:02}" for letter, size in SIZES.items() for number in range(1, size + 1)
    ]


def test_catalogue_is_in_order_and_the_tests_contradict_none_of_its_marks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(ROOT, strict=False) == 0, capsys.readouterr().out.partition("\nerror: ")[2]
