"""Reads what is in ``deploy/``, as far as its tests go: the unit, the Dockerfile, the manifests."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


class Start(NamedTuple):
    """How a process is started, and how it is ended."""

    words: list[str]
    """What stands behind ``fluid`` on its command line."""
    variables: dict[str, str]
    """What the file puts into its environment."""
    killed_after: float
    """Seconds from the SIGTERM to the SIGKILL."""


def lines_of(text: str) -> Iterator[str]:
    """Yields the lines of a unit or a Dockerfile, without comments, and continued ones as one."""
    kept = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n\s*", "", "\n".join(kept)).splitlines():
        if line.strip():
            yield line.strip()


# --- systemd -------------------------------------------------------------------------------------

UNIT = DEPLOY / "fluid-codesearch.service"


@cache
def unit() -> dict[str, dict[str, list[str]]]:
    """Returns the settings of the unit: by section, by key, one value for each line."""
    sections: dict[str, dict[str, list[str]]] = {}
    for line in lines_of(UNIT.read_text("utf-8")):
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
        else:
            key, _, value = line.partition("=")
            section.setdefault(key, []).append(value)
    return sections


def only(key: str, section: str = "Service") -> str:
    """Returns the value of a setting that the unit has once."""
    [value] = unit()[section][key]
    return value


# --- Docker --------------------------------------------------------------------------------------

DOCKER_STOP = 10.0
"""Source: "docker stop" sends SIGKILL after 10 seconds, unless it is told otherwise."""


@cache
def stages() -> list[list[tuple[str, str]]]:
    """Returns the instructions of the Dockerfile: for each stage, the names and what follows."""
    found: list[list[tuple[str, str]]] = []
    for line in lines_of((DEPLOY / "Dockerfile").read_text("utf-8")):
        name, _, rest = line.partition(" ")
        if name == "FROM":
            found.append([])
        found[-1].append((name, rest.strip()))
    return found


def image(name: str) -> list[str]:
    """Returns what follows an instruction, for each time that the last stage has it."""
    return [rest for instruction, rest in stages()[-1] if instruction == name]


def image_variables() -> dict[str, str]:
    """Returns the environment of the image."""
    pairs = [pair.partition("=") for rest in image("ENV") for pair in shlex.split(rest)]
    return {name: value for name, _, value in pairs}


@cache
def compose() -> dict[str, Any]:
    """Returns the service of the compose file."""
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
    return services["codesearch"]


# --- Kubernetes ----------------------------------------------------------------------------------


@cache
def manifests() -> dict[str, dict[str, Any]]:
    """Returns the manifests by their kind; there is one of each."""
    found = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text("utf-8")))
    by_kind = {manifest["kind"]: manifest for manifest in found}
    assert len(by_kind) == len(found)
    return by_kind


def pod() -> dict[str, Any]:
    """Returns the description of the pods."""
    return manifests()["Deployment"]["spec"]["template"]["spec"]


def container() -> dict[str, Any]:
    """Returns that of their only container."""
    [one] = pod()["containers"]
    return one


# --- all of them ---------------------------------------------------------------------------------


@cache
def starts() -> dict[str, Start]:
    """Returns how fluid is started by each of them."""
    [entry], [command] = image("ENTRYPOINT"), image("CMD")
    words, variables = json.loads(entry)[1:], image_variables()
    added = {row["name"]: row["value"] for row in container()["env"]}
    return {
        "systemd": Start(shlex.split(only("ExecStart"))[1:], {}, float(only("TimeoutStopSec"))),
        "docker": Start(words + json.loads(command), variables, DOCKER_STOP),
        "compose": Start(
            words + compose()["command"],
            variables,
            float(compose()["stop_grace_period"].removesuffix("s")),
        ),
        "kubernetes": Start(
            words + container()["args"],
            variables | added,
            float(pod()["terminationGracePeriodSeconds"]),
        ),
    }
