"""A supervisor does what its model says, whatever is asked of it and whatever its children do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fluid import Backoff, ChildSpec, FluidValueError, Supervisor, SupervisorGaveUp, Worker
from fluid.events import RestartScheduled, WorkerEvent
from fluid.testing import VirtualLoop, pending_tasks
from tests.worker.supervision.model import Decision, Model, Place

BACKOFFS = [
    Backoff(initial=0, jitter=0, reset_after=5),
    Backoff(initial=1, factor=1, jitter=0, reset_after=2),
    Backoff(initial=0.5, maximum=4, jitter=0, reset_after=10),
]
"""Their sums are exact, so that the edges of windows and of stable runs are met exactly."""

SECONDS = st.sampled_from([0.0, 0.5, 1.0, 2.0, 2.5, 5.0, 10.0, 30.0])
RESTARTS = st.sampled_from(["permanent", "permanent", "transient", "temporary"])
WHICH = st.integers(0, 11)


class Broken(Exception):
    """What children raise."""


class Child(Worker):
    """Runs until it is told how to end."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self.word: asyncio.Future[None] | None = None

    async def run(self) -> None:
        self.word = asyncio.get_running_loop().create_future()
        try:
            await self.wait_or_stop(self.word)
        finally:
            self.word.cancel()


class Starting(Child):
    """Fails to start while it is among the broken."""

    def __init__(self, name: str, broken: set[str]) -> None:
        super().__init__(name)
        self.broken = broken

    async def on_startup(self) -> None:
        await asyncio.sleep(0)
        if self.worker_name in self.broken:
            raise Broken(self.worker_name)


class Machine(RuleBasedStateMachine):
    """Does the same to a supervisor and to its model."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        self.made: dict[str, list[Child]] = {}
        self.decisions: list[Decision] = []
        self.requests: list[asyncio.Task[Any]] = []

    @initialize(
        strategy=st.sampled_from(["one_for_one", "one_for_all", "rest_for_one"]),
        backoff=st.sampled_from(BACKOFFS),
        limits=st.sampled_from([(0, 5.0), (1, 2.0), (3, 5.0), (5, 30.0), (8, 30.0)]),
        kinds=st.lists(st.tuples(RESTARTS, st.booleans(), st.booleans()), max_size=4),
    )
    def start(
        self,
        strategy: str,
        backoff: Backoff,
        limits: tuple[int, float],
        kinds: list[tuple[str, bool, bool]],
    ) -> None:
        self.model = Model(strategy, backoff, *limits)
        max_restarts, period = limits
        children = [self.child(*kind) for kind in kinds]
        self.app = Supervisor(
            *children,
            name="app",
            strategy=strategy,
            backoff=backoff,
            max_restarts=max_restarts,
            period=period,
        )
        self.app.subscribe(self.hear)
        for child in children:
            self.model.add_child(child.id, child.restart.value, None)
        self.do(self.app.startup()).result()

    def child(self, restart: str, is_factory: bool, is_plain: bool) -> ChildSpec:
        name = f"c{len(self.made)}"
        made = self.made[name] = []

        def make() -> Child:
            made.append(Child(name) if is_plain else Starting(name, self.model.broken))
            return made[-1]

        return ChildSpec(make if is_factory else make(), id=name, restart=restart)

    def hear(self, event: WorkerEvent) -> None:
        if isinstance(event, RestartScheduled):
            end = event.end
            id_ = end.path.rpartition("/")[2]
            made = Decision(id_, end.attempt, end.uptime, event.delay, event.left)
            self.decisions.append(made)

    # --- the loop, step by step ------------------------------------------------------------------

    def do(self, request: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Makes a request and lets all follow that takes no time."""
        task = self.loop.create_task(request)
        self.settle()
        return task

    def settle(self) -> None:
        while self.loop.has_ready() or self.has_due_timers():
            self.loop.stop()  # after one pass, so that time stands still
            self.loop.run_forever()

    def has_due_timers(self) -> bool:
        return any(timer.when() <= self.loop.time() for timer in self.loop.live_timers())

    def request(self, request: Coroutine[Any, Any, Any]) -> None:
        self.requests.append(self.do(request))

    # --- the rules -------------------------------------------------------------------------------

    def is_running(self) -> bool:
        return self.model.state == "running"

    def pick(self, which: int, among: Callable[[Place], bool] = lambda _: True) -> Place | None:
        places = [place for place in self.model.places if among(place)]
        return places[which % len(places)] if places else None

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.loop.call_later(seconds, self.loop.stop)
        self.loop.run_forever()
        self.settle()
        self.model.pass_time(seconds)

    @precondition(lambda self: self.model.next_due() is not None)
    @rule()
    def time_passes_until_somebody_is_due(self) -> None:
        due = self.model.next_due()
        assert due is not None
        self.time_passes(due - self.model.now)

    @rule(which=WHICH, how=st.sampled_from(["fail", "fail", "return", "be asked"]))
    def child_ends(self, which: int, how: str) -> None:
        place = self.pick(which, lambda place: place.up_since is not None)
        if place is None:
            return
        child = self.made[place.id][-1]
        assert child.word is not None
        match how:
            case "fail":
                child.word.set_exception(Broken(place.id))
                self.model.fail(place)
            case "return":
                child.word.set_result(None)
                self.model.end_well(place)
            case _:
                child.gracefully_stop()
                self.model.end_well(place)
        self.settle()

    @rule(which=WHICH)
    def child_cannot_start(self, which: int) -> None:
        place = self.pick(which, lambda place: isinstance(self.made[place.id][-1], Starting))
        if place is not None:
            self.model.broken.add(place.id)

    @rule()
    def everybody_can_start_again(self) -> None:
        self.model.broken.clear()

    @precondition(is_running)
    @rule(restart=RESTARTS, is_factory=st.booleans(), starts=st.sampled_from(["plain", "", "no"]))
    def add_child(self, restart: str, is_factory: bool, starts: str) -> None:
        spec = self.child(restart, is_factory, starts == "plain")
        if starts == "no":
            self.model.broken.add(spec.id)
        ticket = len(self.requests)
        self.request(self.app.add_child(spec))
        self.model.add_child(spec.id, restart, ticket)

    @precondition(is_running)
    @rule(is_plain=st.booleans())
    def add_worker(self, is_plain: bool) -> None:
        spec = self.child("permanent", False, is_plain)
        self.app.add_workers(self.made[spec.id][-1])
        self.settle()
        self.model.add_child(spec.id, "permanent", None)

    @precondition(is_running)
    @rule(which=WHICH)
    def stop_child(self, which: int) -> None:
        if place := self.pick(which):
            assert self.do(self.app.stop_child(place.id)).done()
            self.model.stop_child(place)

    @precondition(is_running)
    @rule(which=WHICH)
    def remove_child(self, which: int) -> None:
        if place := self.pick(which):
            assert self.do(self.app.remove_child(place.id)).done()
            self.model.remove_child(place)

    @precondition(is_running)
    @rule(which=WHICH)
    def restart_child(self, which: int) -> None:
        if place := self.pick(which):
            ticket = len(self.requests)
            self.request(self.app.restart_child(place.id))
            self.model.restart_child(place, ticket)

    @precondition(is_running)
    @rule(max_restarts=st.integers(0, 8), period=st.sampled_from([1.0, 2.0, 5.0, 30.0]))
    def set_limits(self, max_restarts: int, period: float) -> None:
        try:
            self.app.set_limits(max_restarts=max_restarts, period=period)
            was_set = True
        except FluidValueError:
            was_set = False
        assert was_set == self.model.set_limits(max_restarts, period)

    @precondition(is_running)
    @rule(really=st.sampled_from([False] * 9 + [True]))
    def stop(self, really: bool) -> None:
        if really:
            self.app.gracefully_stop()
            self.settle()
            self.model.stop()

    # --- what must be the same -------------------------------------------------------------------

    @invariant()
    def they_agree(self) -> None:
        model, app = self.model, self.app
        assert app.worker_state.value == model.state
        assert self.loop.time() == model.now
        real = {info.id: info for info in app.children()}
        assert list(real) == [place.id for place in model.places]
        for place in model.places:
            info = real[place.id]
            wanted = "given_up" if place.id == model.gave_up_for else place.state
            assert (place.id, info.state.value) == (place.id, wanted)
            assert (place.id, info.restarts) == (place.id, place.restarts)
            assert info.worker.is_running() == (place.up_since is not None)
            waits = place.due is not None and place.state == "restarting"
            assert info.restart_in == (place.due - model.now if waits else None)
            assert info.worker is self.made[place.id][-1]
        assert app.count_children().active == sum(p.up_since is not None for p in model.places)
        assert self.decisions == model.decisions
        assert app.is_ready() == (self.is_running() and self.all_permanent_ones_are_up())
        self.assert_requests_were_answered()
        if model.state == "failed":
            error = app.worker_exit.exception
            assert isinstance(error, SupervisorGaveUp)
            assert error.child == f"app/{model.gave_up_for}"
            assert [end.at for end in error.history] == model.counted

    def all_permanent_ones_are_up(self) -> bool:
        permanent = [place for place in self.model.places if place.restart == "permanent"]
        return all(place.up_since is not None for place in permanent)

    def assert_requests_were_answered(self) -> None:
        answers = {}
        for ticket, task in enumerate(self.requests):
            if task.done():
                answers[ticket] = "up" if task.exception() is None else "not up"
        assert answers == self.model.answers

    def teardown(self) -> None:
        self.app.gracefully_stop()
        self.settle()
        assert self.app.is_stopped()
        assert not pending_tasks(self.loop)
        assert not self.loop.live_timers()
        assert not self.loop.unhandled
        self.loop.close()


TestSupervisor = Machine.TestCase
TestSupervisor.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
