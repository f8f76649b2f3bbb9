"""The command line, in the process of the tests, as the files in ``deploy/`` use it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.cli.conftest import End, Project, project
from tests.deploy.reading import starts

__all__ = ["project"]  # a fixture

Execute = Callable[[str, str], End]
Settings = Callable[[str], dict[str, tuple[str, str]]]


@pytest.fixture
def execute(project: Project, monkeypatch: pytest.MonkeyPatch) -> Execute:
    """Executes another command of fluid's with what a platform hands to ``fluid run``.

    The folder to be watched is another one, too, because the platform's is not here.
    """

    def execute(command: str, platform: str) -> End:
        words, variables, _ = starts()[platform]
        for name, value in variables.items():
            if name != "PATH":
                monkeypatch.setenv(name, value)
        end_of_options = words.index("--")
        assert words[0] == "run"
        assert len(words[end_of_options:]) == 2
        return project.fluid(command, *words[1:end_of_options], "--", str(project.folder))

    return execute


@pytest.fixture
def settings(execute: Execute) -> Settings:
    """Returns the options of a platform's ``fluid run``: the value, and where it comes from."""

    def settings(platform: str) -> dict[str, tuple[str, str]]:
        end = execute("config", platform)
        assert (end.code, end.errors) == (0, [])
        rows = [re.split("  +", line, maxsplit=2) for line in end.lines]
        return {row[0]: (row[1], row[2]) for row in rows if len(row) == 3}

    return settings


@pytest.fixture
def seconds(settings: Settings) -> Callable[[str, str], float]:
    """Returns an option of a platform's that is a number of seconds."""
    return lambda platform, name: float(settings(platform)[name][0].removesuffix(" seconds"))
