"""The errors of ``fluid.utils.errors``: one base, and a documented place below it for each."""

from __future__ import annotations

import inspect

import pytest

from fluid.utils import errors
from fluid.utils.errors import FluidError, FluidValueError, ValidationError, WorkerStartError


def test_base_of_all_errors_is_an_ordinary_exception() -> None:
    assert FluidError.__bases__ == (Exception,)


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_can_be_caught_as_a_fluid_error(name: str) -> None:
    error = getattr(errors, name)
    assert issubclass(error, FluidError)
    assert error.__doc__


@pytest.mark.parametrize(
    ("error", "bases"),
    [
        (FluidValueError, (ValueError, FluidError)),
        (ValidationError, (FluidError,)),
        (WorkerStartError, (FluidError,)),
    ],
)
def test_documented_error_has_its_documented_bases(
    error: type[Exception], bases: tuple[type[Exception], ...]
) -> None:
    assert all(issubclass(error, base) for base in bases)


@pytest.mark.parametrize("error", [FluidError, FluidValueError, WorkerStartError])
def test_error_says_what_it_was_given(error: type[Exception]) -> None:
    assert str(error("worker 'a' cannot start: it is running")).endswith("it is running")
    with pytest.raises(FluidError):
        raise error("boom")


def test_validation_error_has_the_documented_arguments() -> None:
    parameters = inspect.signature(ValidationError).parameters
    assert {name: parameter.default for name, parameter in parameters.items()} == {
        "field": inspect.Parameter.empty,
        "msg": "",
        "field_type": "string",
        "value": None,
    }


def test_validation_error_makes_a_message_of_what_it_knows() -> None:
    error = ValidationError("age", field_type="number", value="old")
    for known in ("age", "number", "'old'"):
        assert known in str(error)
    assert "string" in str(ValidationError("name", value=5))


def test_validation_error_says_the_message_that_it_was_given() -> None:
    error = ValidationError("age", "age has to be above 18")
    assert "age has to be above 18" in str(error)
    assert error.msg == "age has to be above 18"


def test_validation_error_keeps_its_arguments() -> None:
    error = ValidationError("age", "too low", "number", 5)
    assert (error.field, error.msg, error.field_type, error.value) == (
        "age",
        "too low",
        "number",
        5,
    )
