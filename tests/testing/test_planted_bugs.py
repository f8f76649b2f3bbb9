"""The explorer finds what people write, under the policies that say so, and passes the repair."""

from __future__ import annotations

import pytest

from fluid.testing import ExplorationError, Policy, exhaust, explore, replay
from tests.testing.planted import BUGS, Planted
from tests.testing.planted_handovers import Punctual, what_is_read_was_written
from tests.testing.watching import failing_seeds

EACH = pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)

MOST_DEVIATIONS = 3
"""What the deepest of them needs."""


@EACH
def test_a_planted_bug_is_found_and_made_small(bug: Planted):
    with pytest.raises(ExplorationError) as caught:
        explore(bug.broken, seeds=500)
    small = caught.value.shrunk
    assert len(small.choices or ()) <= MOST_DEVIATIONS
    with pytest.raises(ExplorationError) as again:
        replay(bug.broken, str(small))
    assert str(again.value.__cause__) == str(caught.value.__cause__)


@EACH
@pytest.mark.parametrize("policy", list(Policy))
def test_a_planted_bug_is_found_by_these_policies_and_no_others(bug: Planted, policy: Policy):
    seeds = 1 if policy is Policy.FIFO else 500  # the plain run is always the same
    found = any(failing_seeds(bug.broken, policy, range(1, seeds + 1)))
    assert found == (policy in bug.found_by)


@EACH
def test_a_repair_passes_under_everything(bug: Planted):
    assert explore(bug.mended, seeds=500, eager="both").schedules == 500


@EACH
def test_a_repair_passes_every_schedule_with_two_deviations(bug: Planted):
    exhaust(bug.mended, deviations=2)


def test_what_needs_three_deviations_is_proven_to_need_them():
    async def scenario() -> None:
        await what_is_read_was_written(Punctual)

    exhaust(scenario, deviations=2)
    with pytest.raises(ExplorationError):
        exhaust(scenario, deviations=3)
