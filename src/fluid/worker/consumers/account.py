"""What became of a consumer's messages, as one sum that always adds up."""

from __future__ import annotations

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
