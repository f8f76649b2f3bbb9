"""The door to HTTP: what it loads, and what it says where a library is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import fluid
import fluid.http

SOURCE = Path(fluid.__file__).parent.parent
ALONE = f"import sys; sys.path.insert(0, {str(SOURCE)!r}); import fluid.http as door\n"
"""Runs without site-packages, so that nothing but the standard library can be found."""


def said_alone(program: str) -> str:
    command = [sys.executable, "-I", "-S", "-W", "error", "-c", ALONE + program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    return done.stdout.strip()


def test_every_name_of_the_door_is_there() -> None:
    for name in fluid.http.__all__:
        assert getattr(fluid.http, name) is not None
    with pytest.raises(AttributeError, match=r"module 'fluid\.http' has no attribute 'ASGISever'"):
        fluid.http.ASGISever  # noqa: B018 - reading it is the test


@pytest.mark.real
def test_missing_extra_is_told_with_the_line_that_installs_it() -> None:
    program = """
try:
    door.ASGIServer
except door._FluidError as error:
    print(error)
assert callable(door.health_app) and callable(door.lifespan)
"""
    told = 'ASGIServer needs the package uvicorn; install it:  pip install "fluid-workers[http]"'
    assert said_alone(program) == told
