"""Records: frozen, comparable, readable."""

from __future__ import annotations

import pytest

from fluid.record import Record


class Point(Record):
    kind = "point"

    x: int
    y: int


class Named(Point):
    name: str


def test_fields_are_the_annotated_attributes_bases_first() -> None:
    assert Named._fields == ("x", "y", "name")


def test_values_may_be_given_in_order_or_by_name() -> None:
    assert Named(1, 2, "a") == Named(x=1, y=2, name="a") == Named(1, name="a", y=2)


@pytest.mark.parametrize(
    "make",
    [lambda: Point(1), lambda: Point(1, 2, 3), lambda: Point(1, 2, y=3), lambda: Point(1, z=2)],
    ids=["too few", "too many", "twice", "unknown"],
)
def test_what_does_not_fit_the_fields_is_refused(make) -> None:
    with pytest.raises(TypeError, match="Point takes x, y"):
        make()


def test_a_record_cannot_be_changed() -> None:
    point = Point(1, 2)
    with pytest.raises(AttributeError, match=r"Point\.x cannot be set"):
        point.x = 5
    with pytest.raises(AttributeError, match=r"Point\.x cannot be deleted"):
        del point.x


def test_records_of_different_types_are_never_equal() -> None:
    class Other(Record):
        x: int
        y: int

    assert Point(1, 2) != Other(1, 2)
    assert Point(1, 2) != Point(2, 1)
    assert len({Point(1, 2), Point(1, 2)}) == 1


def test_a_record_shows_its_fields() -> None:
    assert repr(Named(1, 2, "a")) == "Named(x=1, y=2, name='a')"


def test_a_field_with_a_value_in_the_class_may_be_left_out() -> None:
    class Flag(Point):
        is_up: bool = False

    assert Flag(1, 2) == Flag(1, 2, False) != Flag(1, 2, is_up=True)
    with pytest.raises(TypeError, match="Flag takes x, y, is_up"):
        Flag(is_up=True)
