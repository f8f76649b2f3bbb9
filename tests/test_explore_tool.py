"""The campaign's rounds; what it runs is tested where it is made."""

from __future__ import annotations

import time
from itertools import islice, pairwise
from math import inf

from tools.explore import SEEDS_A_ROUND, rounds


def test_rounds_follow_one_another_until_the_seeds_are_over():
    found = [*rounds(100, 2 * SEEDS_A_ROUND + 1, inf)]
    assert found[0].start == 100
    assert [len(seeds) for seeds in found] == [SEEDS_A_ROUND, SEEDS_A_ROUND, 1]
    assert all(before.stop == after.start for before, after in pairwise(found))


def test_without_a_number_of_seeds_only_time_ends_them():
    assert len([*islice(rounds(0, None, inf), 50)]) == 50
    assert [*rounds(0, None, time.monotonic())] == []
