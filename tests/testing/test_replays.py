"""A schedule goes one way, in every process and wherever its objects lie in memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fluid.testing.schedules.explorer import scattered_memory
from tests.testing.replaying import TREES, digests

SEEDS = 50
HASH_SEEDS = ("0", "42", "random")


@pytest.mark.real
def test_every_schedule_has_one_digest_in_every_process():
    command = [sys.executable, "-m", "tests.testing.replaying", str(SEEDS)]
    processes = [
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )
        for hash_seed in HASH_SEEDS
    ]
    first, *others = (json.loads(process.communicate()[0]) for process in processes)
    assert len(first) == SEEDS * len(TREES)
    assert len(set(first.values())) > SEEDS * len(TREES) * 0.9
    for hash_seed, other in zip(HASH_SEEDS[1:], others, strict=True):
        assert other == first, f"PYTHONHASHSEED={hash_seed}"


def test_every_schedule_has_one_digest_wherever_its_objects_lie():
    first = digests(8)
    for salt in range(3):
        with scattered_memory(salt):
            assert digests(8) == first


def test_the_runs_that_are_compared_pass_and_are_struck_by_faults():
    ends = [end.split(" ", 1)[1] for end in digests(8).values()]
    assert all(end.endswith(" None") for end in ends), ends
    assert len(set(ends)) >= 4
