"""What a failing exploration says: which schedule, how to see it again, what it comes down to."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import FluidError
from . import loop, queues
from .choosers import Choice
from .schedule import Schedule
from .simulate import Run

LAST_STEPS = 40
"""Steps that a report shows."""


class ExplorationError(FluidError):
    """A schedule was found in which a scenario fails. What it raised is the cause of this error.

    Attributes:
        schedule: The schedule that was found; its text is what a replay takes.
        shrunk: The same failure, with as few deviations from FIFO as could be found.
        run: What came of the shrunk one, with all its steps.
    """

    def __init__(self, message: str, schedule: Schedule, shrunk: Schedule, run: Run) -> None:
        super().__init__(message)
        self.schedule: Schedule = schedule
        self.shrunk: Schedule = shrunk
        self.run: Run = run


class NotDeterministicError(FluidError):
    """The same schedule went differently when it was run again.

    The scenario depends on something that no schedule decides: the order of a set, ``id()``,
    ``hash()`` of a string, ``time.time()``, ``random``, ``uuid4()``, or state that one run leaves
    to the next.
    """


class NeverHappenedError(FluidError):
    """What a scenario said has to happen sometimes did not happen in any schedule."""


def failure_report(name: str, found: Run, shrunk: Run, number: int) -> str:
    """Returns the report of a failure, as text."""
    return "\n".join(_lines(name, found, shrunk, number))


def _lines(name: str, found: Run, shrunk: Run, number: int) -> Iterator[str]:
    error = shrunk.error
    schedule = found.schedule
    yield f"{name} fails in schedule {schedule}, the {_ordinal(number)} that was tried"
    yield f"  {type(error).__name__}: {error}"
    yield from (f"  of which {type(leaf).__name__}: {leaf}" for leaf in leaves(error))
    for note in getattr(error, "__notes__", ()):
        yield from (f"  {line}" for line in note.splitlines())
    yield from _differences(shrunk)
    yield "to see it again:"
    text = repr(str(shrunk.schedule))
    yield f"  replay(scenario, {text})   or   pytest --fluid-replay {text}"
    if shrunk.schedule != schedule:
        yield f"  the schedule as it was found: {str(schedule)!r}"
    yield (
        f"seed={schedule.seed} policy={schedule.policy} steps={found.steps} "
        f"seconds={found.seconds:.9g} digest={found.digest}"
    )
    yield f"the last of its {shrunk.steps} steps:"
    yield from (f"  {step}" for step in shrunk.last[-LAST_STEPS:])


def leaves(error: BaseException | None) -> Iterator[BaseException]:
    """Yields the errors in a group, and those in the groups in it; none if it is no group."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from leaves(each) if isinstance(each, BaseExceptionGroup) else (each,)


def _differences(run: Run) -> Iterator[str]:
    deviations = [choice for choice in run.choices if choice.taken]
    if not deviations and not run.schedule.strikes:
        yield "it fails in the plain FIFO order"
        return
    yield "it is the plain FIFO order, except for"
    labels = {step.number: step.label for step in run.last}
    yield from (f"  {_in_words(choice, labels)}" for choice in deviations)
    for strike in run.schedule.strikes:
        missed = "" if strike.fault in run.fired else " (which was not on offer then)"
        yield f"  before step {strike.step}: the fault {strike.fault!r} strikes{missed}"


def _in_words(choice: Choice, labels: dict[int, str]) -> str:
    order = f"the {_ordinal(choice.taken + 1)} of {choice.options}"
    match choice.what:
        case queues.READY:
            return f"step {choice.step}: {labels.get(choice.step, '?')} ({order} that are ready)"
        case loop.LATE_TIMER | loop.LATE_WORLD:
            late_ms = loop.LATENESS_MS[choice.taken]
            return f"before step {choice.step}: {choice.what} is {late_ms} ms late"
        case loop.TIES:
            return f"before step {choice.step}: {choice.what} is {order}"
        case _:
            return f"before step {choice.step}: {choice.what}"


def _ordinal(number: int) -> str:
    suffix = (
        "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    )
    return f"{number}{suffix}"
