"""The image: what is in it, who it runs as, and what it executes."""

from __future__ import annotations

import ast
import fnmatch
import json
import re
import sys
import tomllib

import pytest

from fluid.cli.commands import fluid as commands
from fluid.cli.options import BY_NAME
from tests.deploy.reading import DEPLOY, ROOT, compose, container, image, image_variables, stages

INSTRUCTIONS = [instruction for stage in stages() for instruction in stage]


def copied(stage: int) -> list[str]:
    """Returns what a stage takes from the build's folder."""
    rests = [rest.split() for name, rest in stages()[stage] if name == "COPY"]
    return [word for words in rests if not words[0].startswith("--") for word in words[:-1]]


COPIED = [path for stage in range(len(stages())) for path in copied(stage)]


@pytest.mark.parametrize("stage", range(len(stages())))
def test_the_base_is_a_minor_version_of_python_and_the_same_for_all(stage):
    name, rest = stages()[stage][0]
    assert name == "FROM"
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", rest.partition(" AS ")[0])
    assert rest.partition(" AS ")[0] == stages()[0][0][1].partition(" AS ")[0]


@pytest.mark.parametrize("name", ["ENTRYPOINT", "CMD"])
def test_no_shell_stands_between_fluid_and_the_signals(name):
    [form] = image(name)
    assert all(isinstance(word, str) for word in json.loads(form))


def test_the_user_at_run_time_is_a_number_and_not_root():
    names = [name for name, _ in stages()[-1]]
    [user] = image("USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    assert "RUN" not in names[names.index("USER") :]
    assert names.index("USER") < names.index("ENTRYPOINT")


def test_it_asks_fluid_how_it_is():
    [check] = image("HEALTHCHECK")
    options, _, form = check.partition("CMD")
    words = json.loads(form)
    assert words[0] == "fluid"
    assert words[1] in commands.commands
    names = {"--interval", "--timeout", "--start-period", "--retries"}
    assert {option.partition("=")[0] for option in options.split()} == names


def test_who_asks_and_who_answers_mean_the_same_file_in_a_folder_that_can_be_written():
    path = image_variables()[BY_NAME["health_file"].variable]
    folder = path.rpartition("/")[0]
    assert folder in compose()["tmpfs"]
    assert folder in [mount["mountPath"] for mount in container()["volumeMounts"]]


@pytest.mark.parametrize("path", COPIED)
def test_what_is_copied_exists_and_is_not_ignored(path):
    assert (ROOT / path).exists()
    first, *rules = [
        line
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
        if not line.startswith("#")
    ]
    assert first == "*"
    taken = [rule[1:] for rule in rules if rule.startswith("!")]
    assert any(path.rstrip("/") == rule or path.startswith(f"{rule}/") for rule in taken)
    assert not any(fnmatch.fnmatch(path, rule) for rule in rules if not rule.startswith("!"))


def test_the_build_needs_nothing_that_is_not_copied():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    needed = [project["project"]["readme"], *project["project"]["license-files"]]
    needed += [project["tool"]["hatch"]["version"]["path"], "pyproject.toml"]
    needed += project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    there = copied(0)
    assert [path for path in needed if not {path, path.partition("/")[0]} & {*there}] == []


def test_the_program_is_in_it_with_all_that_it_imports():
    folder = ROOT / "examples/codesearch"
    assert {"examples/__init__.py", "examples/codesearch"} <= {*copied(-1)}
    modules = [ast.parse(path.read_text("utf-8")) for path in folder.glob("*.py")]
    nodes = [node for module in modules for node in module.body]
    imported = {
        alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {
        node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level
    }
    libraries = {name.partition(".")[0] for name in imported} - {*sys.stdlib_module_names}
    assert libraries - {"fluid", "examples"} <= installed()


def installed() -> set[str]:
    """Returns the libraries that the image is to have: those of fluid, and of the extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    [(extras, constraints)] = [
        (match[2].split(","), match[1])
        for name, rest in INSTRUCTIONS
        if name == "RUN" and (match := re.search(r'--constraint (\S+) "\.\[(.*)\]"', rest))
    ]
    assert constraints in COPIED
    optional = project["optional-dependencies"]
    needed = project["dependencies"] + [text for extra in extras for text in optional[extra]]
    return {re.split(r"[^\w-]", text)[0] for text in needed}


def test_what_is_installed_is_pinned():
    pins = (ROOT / "requirements/test.txt").read_text("utf-8")
    pinned = set(re.findall(r"^([\w.-]+)==", pins, re.MULTILINE))
    assert installed() - pinned == set()


@pytest.mark.parametrize("word", [":latest", "curl", "wget", "apt-get", "sudo", "ADD "])
def test_it_does_without(word):
    assert word not in "\n".join(f"{name} {rest}" for name, rest in INSTRUCTIONS)
