"""The options of supervisors: what can work is accepted, what cannot is refused when it is said."""

from __future__ import annotations

import inspect
from itertools import product
from math import inf, nan
from typing import Any

import pytest

from fluid import Backoff, ChildSpec, DynamicSupervisor, FluidError, Supervisor
from fluid.rules.restart import AutoShutdown, Strategy
from tests.worker.group_cast import Idle
from tests.worker.supervision.refusals import async_poller, poller, refusal

# --- the supervisor -------------------------------------------------------------------------------


def test_what_is_not_said_of_a_supervisor_has_a_default_that_can_be_read() -> None:
    """S26"""
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(Supervisor).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    assert defaults == {
        "name": "",
        "stopping_grace_period": None,
        "strategy": "one_for_one",
        "max_restarts": 5,
        "period": 60.0,
        "backoff": None,
        "auto_shutdown": "never",
        "seed": None,
    }
    core = Supervisor()._worker
    assert (core.backoff, core.strategy) == (Backoff(), Strategy.ONE_FOR_ONE)
    assert (core.limit.max_restarts, core.limit.period) == (5, 60.0)
    assert core.auto_shutdown is AutoShutdown.NEVER
    assert core.grace is None


def test_every_combination_of_valid_options_of_a_supervisor_is_accepted() -> None:
    """I02"""
    each = product(
        [*Strategy, "rest_for_one"],
        [0, 1, 5],
        [31, 60.0],
        [None, Backoff(initial=0), Backoff(initial=1, factor=1)],
        [*AutoShutdown, "any_significant"],
        [None, 0, inf],
    )
    for strategy, max_restarts, period, backoff, auto_shutdown, grace in each:
        Supervisor(
            poller,
            strategy=strategy,
            max_restarts=max_restarts,
            period=period,
            backoff=backoff,
            auto_shutdown=auto_shutdown,
            stopping_grace_period=grace,
        )


BAD_OPTIONS = [
    ("max_restarts", [-1, 1.5, True, "5", None, nan], "is not a whole number, zero or more"),
    ("period", [-1, -inf, nan, True, "5", None], "is not a number of seconds, zero or more"),
    ("period", [0, inf], "has to be more than 0 seconds and finite"),
    ("auto_shutdown", ["any", "", None, True], '"any_significant" or "all_significant"'),
    ("seed", ["7", 1.5, []], "is not a whole number"),
]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        *((name, value, said) for name, values, said in BAD_OPTIONS for value in values),
        *(
            ("strategy", value, '"one_for_one" or "one_for_all" or "rest_for_one"')
            for value in ("all", "", None, 1)
        ),
    ],
)
def test_a_bad_option_of_a_supervisor_is_refused_by_name_supervisor_and_value(
    name: str, value: object, said: str
) -> None:
    """I05"""
    text = refusal(Supervisor, name="app", **{name: value})
    assert text.startswith(f"{name} of supervisor 'app' ")
    assert said in text
    assert text.endswith(f": {value!r}")


def test_a_limit_that_is_never_reached_is_refused_at_definition() -> None:
    """I05"""
    slow = Backoff(initial=30, factor=1)
    for refused in (
        lambda: Supervisor(name="app", backoff=slow),
        lambda: Supervisor(ChildSpec(poller, backoff=slow), name="app"),
    ):
        assert refusal(refused).startswith("supervisor 'app' would never give up: the waits")
    DynamicSupervisor(Idle, max_restarts=1000)  # so many may fall together


# --- the dynamic supervisor -----------------------------------------------------------------------


@pytest.mark.parametrize("template", [5, None, "poller"])
def test_a_template_that_makes_nothing_is_refused(template: object) -> None:
    """I01"""
    said = refusal(DynamicSupervisor, template)
    assert said.endswith(f"is neither a worker nor a function that makes one: {template!r}")


def test_a_template_that_is_a_worker_is_refused_with_the_way_out() -> None:
    """I01"""
    said = refusal(DynamicSupervisor, Idle(), name="app")
    assert said.startswith("the template of 'app' has to make workers, and is one: ")
    assert said.endswith("give its class, or a function")


@pytest.mark.parametrize("most", [0, 0.5, -1, nan, True, "5", None])
def test_a_bad_number_of_children_is_refused_by_value(most: object) -> None:
    """I01"""
    said = refusal(DynamicSupervisor, Idle, name="app", max_children=most)
    assert said == f"max_children of 'app' is not a number, 1 or more: {most!r}"


@pytest.mark.parametrize(
    ("option", "subject"),
    [
        ({"restart": "always"}, "restart of child 'Idle'"),
        ({"child_grace_period": -1}, "stopping_grace_period of child 'Idle'"),
        ({"start_timeout": nan}, "start_timeout of child 'Idle'"),
        ({"heartbeat_timeout": 0}, "heartbeat_timeout of child 'Idle'"),
        ({"significant": True}, "child 'Idle' cannot be both significant and permanent"),
        ({"max_restarts": -1}, "max_restarts of supervisor 'app'"),
        ({"period": 0}, "period of supervisor 'app'"),
        ({"backoff": 1}, "backoff of supervisor 'app'"),
        ({"auto_shutdown": "any"}, "auto_shutdown of supervisor 'app'"),
    ],
)
def test_a_bad_option_of_a_template_is_refused_by_its_name(
    option: dict[str, Any], subject: str
) -> None:
    """I01, I05"""
    assert refusal(DynamicSupervisor, Idle, name="app", **option).startswith(subject)


async def test_a_template_that_makes_no_worker_is_refused_when_it_is_used() -> None:
    """I01"""
    templates: list[Any] = [async_poller, lambda: None]
    for template in templates:
        async with DynamicSupervisor(template, name="app") as app:
            with pytest.raises(FluidError, match="the template of supervisor 'app'"):
                await app.start_child()
            assert app.children() == []
