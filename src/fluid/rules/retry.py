"""Which messages are tried again when their handler has raised, how often, and when."""

from __future__ import annotations

from math import inf
from random import Random

from ..errors import FluidValueError
from ..record import Record
from .backoff import Backoff

ATTEMPTS = 5


class Retry(Record):
    """Tries a message again when its handler has raised.

    ::

        from fluid import Backoff, Retry

        Retry(on=ConnectionError)
        Retry(on=(OSError, TimeoutError), attempts=10, backoff=Backoff(initial=1, maximum=60))

    Args:
        on: The class of the errors that may go away by themselves, or several; ``Exception`` by
            default.
        attempts: How often a message is tried at most, the first time included; 5 unless given,
            ``inf`` for no limit. They are counted in one life of the consumer.
        backoff: The waits between the attempts; None for ``Backoff()``. Its ``reset_after`` has no
            meaning here.
        keeps_order: Whether messages behind it wait for one that is to be tried again: all of them
            in a consumer that handles one at a time, those of its key where there are keys, none in
            a pool without. False lets them go first; batches always keep their order. Default True.
        seed: Where the chance in the waits begins, to get the same ones again; None for anywhere.

    Raises:
        FluidValueError: If one of them cannot work.

    Source:
        The defaults are ours: five attempts with the default waits take 7.5 seconds, which is
        enough for a connection that was lost, and less than the default grace of a stop.
    """

    on: tuple[type[BaseException], ...]
    attempts: float
    backoff: Backoff
    keeps_order: bool
    seed: int | None

    def __init__(
        self,
        on: type[BaseException] | tuple[type[BaseException], ...] = Exception,
        attempts: float = ATTEMPTS,
        backoff: Backoff | None = None,
        *,
        keeps_order: bool = True,
        seed: int | None = None,
    ) -> None:
        kinds = on if isinstance(on, tuple) else (on,)
        if not kinds or not all(_is_kind_of_error(kind) for kind in kinds):
            raise FluidValueError(
                f"on of a retry is not a class of errors, or a tuple of them: {on!r}"
            )
        if attempts != inf and (type(attempts) is not int or attempts < 1):
            raise FluidValueError(
                f"attempts of a retry is not a whole number, 1 or more, nor inf: {attempts!r}"
            )
        if backoff is not None and not isinstance(backoff, Backoff):
            raise FluidValueError(
                f"backoff of a retry is not a Backoff: {backoff!r}; "
                f"for waits of one length: Backoff(initial=2, factor=1)"
            )
        super().__init__(kinds, attempts, backoff or Backoff(), keeps_order, seed)

    def wait(self, attempts: int, error: BaseException, random: Random) -> float | None:
        """Returns the seconds until the next attempt after so many; None if there is none."""
        if attempts >= self.attempts or not isinstance(error, self.on):
            return None
        return self.backoff.wait(attempts, random)


def _is_kind_of_error(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Exception)
