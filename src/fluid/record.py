"""Frozen records: what events and exit records are made of.

To a type checker and to a reader a :class:`Record` is a frozen dataclass: annotated fields, keyword
or positional arguments, equality, a telling ``repr``. It is not one at run time, because each
dataclass writes and compiles its methods at import (0.7 ms a class, a third of ``import asyncio``
for all of ours), and fluid promises to be cheap to import.
"""

from __future__ import annotations

from inspect import get_annotations
from typing import Any, ClassVar, NoReturn, dataclass_transform


@dataclass_transform(frozen_default=True)
class Record:
    """The base of a class whose annotated attributes are its fields, in order.

    One that has a value in the class may be left out.
    """

    _fields: ClassVar[tuple[str, ...]] = ()
    _defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own = [name for name, kind in get_annotations(cls).items() if "ClassVar" not in str(kind)]
        cls._fields = (*cls._fields, *own)
        cls._defaults = cls._defaults | {name: vars(cls)[name] for name in own if name in vars(cls)}

    def __init__(self, *values: Any, **named: Any) -> None:
        names = self._fields
        if not named and len(values) == len(names):  # as events are made
            self.__dict__.update(zip(names, values, strict=True))
            return
        given = dict(zip(names, values, strict=False))
        is_twice = len(values) > len(names) or not given.keys().isdisjoint(named)
        given = {**self._defaults, **given, **named}
        if is_twice or given.keys() != set(names):
            raise TypeError(
                f"{type(self).__name__} takes {', '.join(names) or 'nothing'}; "
                f"it was given {len(values)} values and {', '.join(named) or 'no names'}"
            )
        self.__dict__.update(given)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be set: the record is frozen")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be deleted: it is frozen")

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields)
        return f"{type(self).__name__}({fields})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))
