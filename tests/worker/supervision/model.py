"""What a supervisor has to do, as plain arithmetic: a list of places, and a clock that is told.

Written from what is promised, not from what is built, and much smaller: whatever is asked of it
happens at once and to its end. Its children start, and stop, in no time; those in ``broken`` fail
to start. ``test_model.py`` holds a real supervisor to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from operator import attrgetter

from fluid import Backoff


@dataclass
class Place:
    """One child."""

    id: str
    restart: str
    streak: int = 0
    restarts: int = 0
    has_lived: bool = False
    up_since: float | None = None
    """When it was started; None while it is down."""
    due: float | None = None
    """When it will be started, while it is down and waits for that."""
    turn: int = 0
    """Its place among those that are due at one instant."""
    if_in_vain: str = ""
    """What becomes of it if its next start fails: "down", "gone", or what its policy says."""
    tickets: list[int] = field(default_factory=list)
    """The requests that wait for its start."""

    @property
    def state(self) -> str:
        if self.up_since is not None:
            return "running"
        if self.due is not None:
            return "restarting" if self.has_lived else "waiting"
        return "stopped"


@dataclass(frozen=True)
class Decision:
    """One restart that was scheduled."""

    id: str
    attempt: int
    uptime: float | None
    delay: float
    left: int


class Model:
    """One supervisor, from the moment when all its children are up."""

    def __init__(self, strategy: str, backoff: Backoff, max_restarts: int, period: float) -> None:
        self.strategy, self.backoff = strategy, backoff
        self.max_restarts, self.period = max_restarts, period
        self.now = 0.0
        self.state = "running"
        self.gave_up_for: str | None = None
        self.places: list[Place] = []
        self.broken: set[str] = set()
        self.counted: list[float] = []
        self.decisions: list[Decision] = []
        self.answers: dict[int, str] = {}
        self._turns = count()

    # --- what happens ----------------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        """Lets time pass; who becomes due meanwhile is started then."""
        until = self.now + seconds
        while (due := self.next_due()) is not None and due <= until:
            self.now = due
            self._start_who_is_due()
        self.now = until

    def next_due(self) -> float | None:
        """Returns when somebody will be started next."""
        return min((place.due for place in self._waiting()), default=None)

    def _waiting(self) -> list[Place]:
        is_over = self.state != "running"
        return [] if is_over else [place for place in self.places if place.due is not None]

    def fail(self, place: Place) -> None:
        """A child that is up raises."""
        self._ended(place, restarted=place.restart != "temporary")
        self._start_who_is_due()

    def end_well(self, place: Place) -> None:
        """A child that is up returns, or is asked to stop by somebody else."""
        self._ended(place, restarted=place.restart == "permanent")
        self._start_who_is_due()

    # --- what is asked of it ---------------------------------------------------------------------

    def add_child(self, id_: str, restart: str, ticket: int | None) -> None:
        """Adds a child; with a ticket somebody waits for it, and it is gone if it fails."""
        place = Place(id_, restart)
        self.places.append(place)
        if ticket is not None:
            place.if_in_vain = "gone"
            place.tickets.append(ticket)
        self._schedule([place], self.now)
        self._start_who_is_due()

    def stop_child(self, place: Place) -> None:
        if place.restart == "temporary" or place.if_in_vain == "gone":
            self.remove_child(place)
        else:
            self._take_down(place)

    def remove_child(self, place: Place) -> None:
        self._take_down(place)
        self.places.remove(place)

    def restart_child(self, place: Place, ticket: int) -> None:
        """Starts it now, and in order with it whoever is being restarted together with it."""
        place.tickets.append(ticket)
        place.streak = 0
        if place.state == "waiting":
            return
        if place.state == "stopped":
            place.if_in_vain = "down"
        place.up_since = None
        self._schedule([place], self.now)
        for other in self._waits_with(place):
            other.due = self.now
        self._start_who_is_due()

    def set_limits(self, max_restarts: int, period: float) -> bool:
        """Returns whether they can work."""
        waits = sum(self.backoff.base(number) for number in range(1, max_restarts + 1))
        if waits > period:
            return False
        self.max_restarts, self.period = max_restarts, period
        return True

    def stop(self) -> None:
        self._end("stopped")

    # --- what follows ----------------------------------------------------------------------------

    def _ended(self, place: Place, *, restarted: bool) -> None:
        if restarted:
            self._restart(place)
        elif place.restart == "transient":
            self._take_down(place)
        else:
            self.remove_child(place)

    def _restart(self, place: Place) -> None:
        uptime = None if place.up_since is None else self.now - place.up_since
        was_stable = uptime is not None and uptime >= self.backoff.reset_after
        place.streak = 1 if was_stable else place.streak + 1
        self.counted = [at for at in self.counted if self.now - at <= self.period] + [self.now]
        if len(self.counted) > self.max_restarts:
            self.gave_up_for = place.id
            self._end("failed")
            return
        delay = min(
            self.backoff.initial * self.backoff.factor ** (place.streak - 1), self.backoff.maximum
        )
        left = self.max_restarts - len(self.counted)
        self.decisions.append(Decision(place.id, place.streak, uptime, delay, left))
        self._answer(place, "not up")
        place.up_since = None
        for other in [other for other in self._affected_by(place) if other.up_since is not None]:
            if other.restart == "temporary":
                self.remove_child(other)
            else:
                other.up_since = None
                self._schedule([other], self.now + delay)
        self._schedule([place], self.now + delay)

    def _affected_by(self, place: Place) -> list[Place]:
        match self.strategy:
            case "one_for_all":
                return self.places
            case "rest_for_one":
                return self.places[self.places.index(place) :]
            case _:
                return []

    def _schedule(self, places: list[Place], due: float) -> None:
        """Lets them wait; all that wait together are due with the last of them."""
        for place in places:
            place.due, place.turn = due, next(self._turns)
            together = self._waits_with(place)
            latest = max(other.due or 0.0 for other in together)
            for other in together:
                other.due = latest

    def _waits_with(self, place: Place) -> list[Place]:
        return [place] if self.strategy == "one_for_one" else self._waiting()

    def _start_who_is_due(self) -> None:
        """Starts them: at the same time if none depends on another, else in order."""
        while due := [place for place in self._waiting() if place.due <= self.now]:
            if self.strategy == "one_for_one":
                due.sort(key=attrgetter("turn"))
            else:
                due = due[:1]
            for place in due:
                self._begin(place)
            for place in due:
                if place.up_since is None and self.state == "running":
                    self._started_in_vain(place)

    def _begin(self, place: Place) -> None:
        place.restarts += place.has_lived
        place.has_lived = True
        place.due = None
        if place.id not in self.broken:
            place.up_since = self.now
            place.if_in_vain = ""
            self._answer(place, "up")

    def _started_in_vain(self, place: Place) -> None:
        if place.if_in_vain == "gone":
            self.remove_child(place)
        elif place.if_in_vain == "down":
            self._take_down(place)
        else:
            self._ended(place, restarted=place.restart != "temporary")

    def _take_down(self, place: Place) -> None:
        place.up_since = place.due = None
        place.if_in_vain = ""
        self._answer(place, "not up")

    def _answer(self, place: Place, answer: str) -> None:
        for ticket in place.tickets:
            self.answers[ticket] = answer
        place.tickets.clear()

    def _end(self, state: str) -> None:
        self.state = state
        for place in [*self.places]:
            if place.state == "waiting" and place.if_in_vain == "gone":
                self.places.remove(place)  # who added it is told that it was not added
            if place.state != "waiting":  # whose turn never came
                place.due = place.up_since = None
            self._answer(place, "not up")
