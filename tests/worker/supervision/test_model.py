"""A supervisor does what its model says, whatever is asked of it and whatever its children do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fluid import Backoff, ChildSpec, FluidValueError, SupervisorGaveUp
from tests.worker.supervision.driven import Broken, Driven, Kind, Starting, facts_of
from tests.worker.supervision.model import Model, Place

BACKOFFS = [
    Backoff(initial=0.5, maximum=4, jitter=0, reset_after=10),
    Backoff(initial=1, factor=1, jitter=0, reset_after=2),
    Backoff(initial=0, jitter=0, reset_after=5),
]
"""Their sums are exact, so that the edges of windows and of stable runs are met exactly."""

SECONDS = st.sampled_from([0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0])
RESTARTS = st.sampled_from(["permanent", "permanent", "transient", "temporary"])
KINDS = st.tuples(RESTARTS, st.booleans(), st.booleans())
WHICH = st.integers(0, 11)


class Machine(RuleBasedStateMachine):
    """Does the same to a supervisor and to its model."""

    def __init__(self) -> None:
        super().__init__()
        self.real = Driven()

    @initialize(
        strategy=st.sampled_from(["one_for_one", "one_for_all", "rest_for_one"]),
        backoff=st.sampled_from(BACKOFFS),
        limits=st.sampled_from([(8, 30.0), (5, 20.0), (12, 60.0), (3, 5.0), (0, 5.0)]),
        kinds=st.lists(KINDS, min_size=1, max_size=4),
    )
    def start(
        self,
        strategy: str,
        backoff: Backoff,
        limits: tuple[int, float],
        kinds: list[Kind],
    ) -> None:
        self.model = Model(strategy, backoff, *limits)
        max_restarts, period = limits
        children = [self.child(kind) for kind in kinds]
        self.app = self.real.start(
            *children,
            strategy=strategy,
            backoff=backoff,
            max_restarts=max_restarts,
            period=period,
        )
        for child in children:
            self.model.add_child(child.id, child.restart.value, None)

    def child(self, kind: Kind) -> ChildSpec:
        return self.real.child(kind, self.model.broken)

    # --- whom it strikes -------------------------------------------------------------------------

    def may_be_asked(self) -> bool:
        return self.model.state == "running"

    def those_up(self) -> list[Place]:
        return [place for place in self.model.places if place.up_since is not None]

    def word_of(self, place: Place) -> asyncio.Future[None]:
        word = self.real.made[place.id][-1].word
        assert word is not None
        return word

    def pick(self, which: int, rather_who_waits: bool) -> Place:
        places = self.model.places
        waiting = [place for place in places if place.due is not None]
        return one_of(waiting if rather_who_waits and waiting else places, which)

    # --- what happens ----------------------------------------------------------------------------

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.real.pass_time(seconds)
        self.model.pass_time(seconds)

    @precondition(lambda self: self.model.next_due() is not None)
    @rule()
    def time_passes_until_somebody_is_due(self) -> None:
        due = self.model.next_due()
        assert due is not None
        self.time_passes(due - self.model.now)

    @precondition(lambda self: self.those_up())
    @rule(which=WHICH)
    def child_fails(self, which: int) -> None:
        place = one_of(self.those_up(), which)
        self.word_of(place).set_exception(Broken(place.id))
        self.real.settle()
        self.model.fail(place)

    @precondition(lambda self: self.those_up())
    @rule(which=WHICH, is_asked=st.booleans())
    def child_ends(self, which: int, is_asked: bool) -> None:
        place = one_of(self.those_up(), which)
        if is_asked:
            self.real.made[place.id][-1].gracefully_stop()
        else:
            self.word_of(place).set_result(None)
        self.real.settle()
        self.model.end_well(place)

    @precondition(lambda self: self.model.places)
    @rule(which=WHICH, will_it=st.booleans())
    def child_will_start(self, which: int, will_it: bool) -> None:
        place = one_of(self.model.places, which)
        if will_it:
            self.model.broken.discard(place.id)
        elif isinstance(self.real.made[place.id][-1], Starting):
            self.model.broken.add(place.id)

    @precondition(lambda self: self.may_be_asked() and len(self.model.places) < 8)
    @rule(kind=KINDS, how=st.sampled_from(["add_child", "and it fails", "add_workers"]))
    def add(self, kind: Kind, how: str) -> None:
        if how == "add_workers":
            kind = ("permanent", False, kind[2])
        spec = self.child(kind)
        worker = self.real.made[spec.id]
        if how == "add_workers":
            self.app.add_workers(*worker)
            self.real.settle()
            self.model.add_child(spec.id, "permanent", None)
            return
        if how == "and it fails" and not kind[2]:
            self.model.broken.add(spec.id)
        self.model.add_child(spec.id, kind[0], self.real.request(self.app.add_child(spec)))

    @precondition(lambda self: self.may_be_asked() and self.model.places)
    @rule(which=WHICH, rather_who_waits=st.booleans())
    def restart_child(self, which: int, rather_who_waits: bool) -> None:
        place = self.pick(which, rather_who_waits)
        self.model.restart_child(place, self.real.request(self.app.restart_child(place.id)))

    @precondition(lambda self: self.may_be_asked() and self.model.places)
    @rule(which=WHICH, rather_who_waits=st.booleans(), for_good=st.booleans())
    def take_down(self, which: int, rather_who_waits: bool, for_good: bool) -> None:
        place = self.pick(which, rather_who_waits)
        if for_good:
            assert self.real.do(self.app.remove_child(place.id)).done()
            self.model.remove_child(place)
        else:
            assert self.real.do(self.app.stop_child(place.id)).done()
            self.model.stop_child(place)

    @precondition(lambda self: self.may_be_asked() and self.model.counted)
    @rule(max_restarts=st.integers(0, 12), period=st.sampled_from([1.0, 5.0, 20.0, 60.0]))
    def set_limits(self, max_restarts: int, period: float) -> None:
        try:
            self.app.set_limits(max_restarts=max_restarts, period=period)
            was_set = True
        except FluidValueError:
            was_set = False
        assert was_set == self.model.set_limits(max_restarts, period)

    @precondition(lambda self: self.may_be_asked() and self.model.next_due() is not None)
    @rule(really=st.sampled_from([False] * 9 + [True]))
    def stop(self, really: bool) -> None:
        if really:
            self.app.gracefully_stop()
            self.real.settle()
            self.model.stop()

    # --- what must be the same -------------------------------------------------------------------

    @invariant()
    def they_agree(self) -> None:
        model, app = self.model, self.app
        assert app.worker_state.value == model.state
        assert self.real.loop.time() == model.now
        real = [facts_of(info, model.now) for info in app.children()]
        assert real == [wanted_of(place, model) for place in model.places]
        for place, info in zip(model.places, app.children(), strict=True):
            made = self.real.made[place.id]
            assert info.worker is made[-1]
            assert len(made) == 1 + (place.restarts if place.id in self.real.factories else 0)
            assert info.worker.is_running() == (place.up_since is not None)
        assert app.count_children().active == sum(p.up_since is not None for p in model.places)
        assert self.real.decisions == model.decisions
        assert app.is_ready() == (self.may_be_asked() and self.all_permanent_ones_are_up())
        assert self.real.answers() == model.answers
        if model.state == "failed":
            error = app.worker_exit.exception
            assert isinstance(error, SupervisorGaveUp)
            assert error.child == f"app/{model.gave_up_for}"
            assert [end.at for end in error.history] == model.counted

    def all_permanent_ones_are_up(self) -> bool:
        permanent = [place for place in self.model.places if place.restart == "permanent"]
        return all(place.up_since is not None for place in permanent)

    def teardown(self) -> None:
        self.real.close()


def one_of(places: Sequence[Place], which: int) -> Place:
    return places[which % len(places)]


def wanted_of(place: Place, model: Model) -> tuple[Any, ...]:
    """Returns what it should say."""
    state = "given_up" if place.id == model.gave_up_for else place.state
    return place.id, state, place.restarts, place.due if state == "restarting" else None


TestSupervisor = Machine.TestCase
TestSupervisor.settings = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    phases=[Phase.reuse, Phase.generate, Phase.shrink],  # to explain takes longer than a test may
)
