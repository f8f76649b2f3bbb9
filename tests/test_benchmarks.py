"""That ``make bench`` runs, at sizes that say nothing; and how it arrives at what it prints."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from benchmarks import __main__ as command
from benchmarks import idle
from benchmarks.imports import strangers, total_ms
from benchmarks.pairs import Plan
from benchmarks.result import (
    Result,
    fluid_at_most,
    ratio_at_least,
    ratio_at_most,
    three_digits,
)

T = TypeVar("T")


class Once(Plan):
    """Measures one pair, and none before it that does not count."""

    def alternate(
        self, fluid: Callable[[], T], other: Callable[[], T], *, pairs: int = 11
    ) -> list[tuple[T, T]]:
        return [(fluid(), other())]


TINY = Once(scale=0.002)


@pytest.mark.real
@pytest.mark.parametrize("name", command.BENCHMARKS)
def test_every_benchmark_runs_and_has_figures_for_both_sides(name, monkeypatch) -> None:
    monkeypatch.setattr(idle, "LEAST_SECONDS", 0.05)
    for result in command.BENCHMARKS[name](TINY):
        assert len(result.samples) == 1
        assert min(result.samples[0]) >= 0
        assert command.line(result).startswith(result.name)


@pytest.mark.real
def test_a_package_that_is_not_part_of_python_is_found() -> None:
    assert "pytest" in strangers("import asyncio, pytest, fluid.utils.worker")
    assert strangers("import asyncio, fluid.utils.worker") == []


def test_pairs_alternate_and_the_first_does_not_count() -> None:
    order: list[str] = []

    def side(name: str) -> float:
        order.append(name)
        return len(order)

    samples = Plan().alternate(lambda: side("fluid"), lambda: side("other"), pairs=2)
    assert order == ["fluid", "other"] * 3
    assert samples == [(3, 4), (5, 6)]


def test_a_plan_may_ask_for_more_or_fewer_pairs_than_a_benchmark_wants() -> None:
    assert len(Plan(pairs=4).alternate(float, float, pairs=2)) == 4


def test_sizes_are_to_scale_and_never_nothing() -> None:
    assert Plan(scale=0.1).sized(5_000) == 500
    assert Plan(scale=0.1).sized(1) == 1


def test_the_ratio_is_the_median_of_the_pairs_not_the_ratio_of_the_medians() -> None:
    result = Result("", "ms", [(1, 1), (4, 1), (9, 3)])
    assert (result.fluid, result.other, result.ratio) == (4, 1, 3)


def test_a_target_is_met_up_to_its_limit() -> None:
    twice = Result("", "", [(2, 1)])
    assert ratio_at_least(2).is_met(twice)
    assert not ratio_at_least(2.1).is_met(twice)
    assert ratio_at_most(2).is_met(twice)
    assert not ratio_at_most(1.9).is_met(twice)
    assert fluid_at_most(2, "ms").is_met(twice)
    assert not fluid_at_most(1.9, "ms").is_met(twice)


def test_a_result_without_a_target_is_met() -> None:
    assert Result("", "", [(2, 1)]).is_met


def test_where_the_other_has_nothing_there_is_no_ratio() -> None:
    nothing = Result("modules", "", [(0, 0)], fluid_at_most(0, ""))
    assert nothing.is_met
    assert command.ratio(nothing) == ""
    assert nothing.as_dict()["ratio"] is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.001234, "0.00123"), (0.5, "0.500"), (12.34, "12.3"), (123_456.7, "123,457")],
)
def test_figures_have_three_digits_and_no_exponent(value, text) -> None:
    assert three_digits(value) == text


def test_what_the_interpreter_imports_for_itself_is_not_added_up() -> None:
    report = """\
import time: self [us] | cumulative | imported package
import time:       400 |        400 |   encodings
import time:       900 |       1300 | site
import time:      1000 |       1000 |   asyncio.base_events
import time:       500 |       1500 | asyncio
"""
    assert total_ms(report) == 1.5


@pytest.fixture
def missed(monkeypatch) -> None:
    """Puts one benchmark in the place of all, whose target is missed."""
    result = Result("slow thing", "ms", [(3, 1), (2, 1)], ratio_at_most(2))
    monkeypatch.setattr(command, "BENCHMARKS", {"slow": lambda _: iter([result])})


@pytest.mark.usefixtures("missed")
def test_a_missed_target_is_printed_and_is_no_failure(capsys) -> None:
    assert command.main([]) == 0
    _, line, _ = capsys.readouterr().out.splitlines()
    shown = " ".join(line.split())
    assert shown == "slow thing 2.50 ms 1.00 ms 2.50 (2.00-3.00) ratio <= 2 missed"


@pytest.mark.usefixtures("missed")
def test_strict_makes_a_missed_target_a_failure() -> None:
    assert command.main(["--strict"]) == 1


@pytest.mark.usefixtures("missed")
def test_the_figures_of_all_pairs_go_into_the_json_file(tmp_path: Path) -> None:
    command.main(["--json", str(tmp_path / "figures.json")])
    data = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert data["results"][0]["samples"] == [[3, 1], [2, 1]]
    assert data["results"][0]["met"] is False
