"""What became of a consumer's messages, as one sum that always adds up."""

from __future__ import annotations

from operator import add
from typing import NamedTuple


class Account(NamedTuple):
    """The messages of one mailbox; ``accepted`` is the sum of all the others."""

    accepted: int
    """Taken in by ``send()`` and its siblings."""
    handled: int
    """Done."""
    dead: int
    """Their handler raised."""
    dropped: int
    """Left at the end, and nobody took them: the loss that is reported."""
    returned: int
    """Left at the end, and taken by ``on_undelivered``."""
    queued: int
    """Waiting."""
    in_hand: int
    """Being handled, or on their way to ``on_undelivered``."""

    @property
    def adds_up(self) -> bool:
        """Whether no message has vanished and none was counted twice."""
        return self.accepted == sum(self[1:])


class Totals(NamedTuple):
    """All that only grows, over all incarnations of a consumer and all of their mailboxes."""

    accepted: int = 0
    """As in the account; so are the four that follow."""
    handled: int = 0
    dead: int = 0
    dropped: int = 0
    returned: int = 0
    failed: int = 0
    """As the meter has it; so are the four that follow."""
    retried: int = 0
    abandoned: int = 0
    waited: float = 0.0
    handled_for: float = 0.0

    def plus(self, others: Totals) -> Totals:
        """Returns the sums."""
        return Totals(*map(add, self, others))
