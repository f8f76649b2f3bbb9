"""What a mutant changes: one small thing in a module of the rules, as somebody may get it wrong.

A mutant is told by its place and its text, as in ``Backoff.base: 1 -> 2 in `return attempt - 1```,
and not by a line number, so that a list of mutants survives what is written above them. What only a
reader sees is left alone: docstrings, annotations, asserts, and the messages of errors.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from typing import TypeVar

Item = TypeVar("Item")
Node = TypeVar("Node", bound=ast.AST)

MODULE = "(module)"
"""The place of what belongs to no function and to no class."""

LONGEST = 72
"""How much of a line is shown."""

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
}
CALLED = {"min": "max", "max": "min", "any": "all", "all": "any", "floor": "ceil", "ceil": "floor"}

UNSEEN = {"annotation", "returns", "decorator_list", "format_spec", "type_ignores"}
"""Fields of the tree in which nothing is changed."""

OWN_NEGATION = ast.Eq | ast.NotEq | ast.Is | ast.IsNot | ast.In | ast.NotIn
"""Comparisons whose other operator is their negation already."""


@dataclass(frozen=True)
class Mutant:
    """One change to one module."""

    place: str
    """The function or the class in which it is."""
    change: str
    """What it is, in words that a line above it does not alter."""
    parent: ast.AST
    field: str
    index: int | None
    """Where the node stands in its parent: in a field, or in the list that the field is."""
    node: ast.AST
    """What stands there instead."""

    def apply(self) -> None:
        """Changes the tree, for good: let it be that of a process that ends soon."""
        if self.index is None:
            setattr(self.parent, self.field, self.node)
        else:
            getattr(self.parent, self.field)[self.index] = self.node


Change = tuple[ast.AST, str]
"""A node for the place of another, and what to call that; empty for ``old -> new``."""


def mutants(tree: ast.Module) -> Iterator[Mutant]:
    """Yields all mutants of a module, in order; those that read alike are numbered."""
    seen: Counter[tuple[str, str]] = Counter()
    for mutant in _below(tree, "", tree, is_message=False):
        named = mutant.place, mutant.change
        seen[named] += 1
        number = "" if seen[named] == 1 else f" ({seen[named]})"
        yield replace(mutant, change=f"{mutant.change}{number}")


def _below(
    parent: ast.AST, place: str, statement: ast.AST, *, is_message: bool
) -> Iterator[Mutant]:
    """Yields the mutants of all nodes below one, which is part of ``statement``."""
    for field, index, node in _children(parent):
        if _is_for_readers(node):
            continue
        inside, around = place, statement
        if isinstance(node, ast.stmt | ast.match_case):
            around = node
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            inside = f"{place}.{node.name}".removeprefix(".")
        told = is_message or isinstance(node, ast.Raise)
        if not (told and isinstance(node, ast.Constant)):
            for new, words in _changes(node):
                text = words or f"{_head(node)} -> {_head(new)}"
                where = "" if node is around else f" in `{_head(around)}`"
                yield Mutant(inside or MODULE, f"{text}{where}", parent, field, index, new)
        yield from _below(node, inside, around, is_message=told)


def _children(parent: ast.AST) -> Iterator[tuple[str, int | None, ast.AST]]:
    for field, value in ast.iter_fields(parent):
        if isinstance(value, ast.AST) and field not in UNSEEN:
            yield field, None, value
        elif isinstance(value, list) and field not in UNSEEN:
            nodes = [(i, node) for i, node in enumerate(value) if isinstance(node, ast.AST)]
            yield from ((field, index, node) for index, node in nodes)


def _is_for_readers(node: ast.AST) -> bool:
    """Tells whether a node does nothing, or only for who reads or checks the module."""
    match node:
        case ast.Expr(value=ast.Constant()):  # a docstring
            return True
        case ast.Assert() | ast.Import() | ast.ImportFrom():
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name(id="__slots__")], value=_):
            return True
        case ast.Assign(value=ast.Call(func=ast.Name(id="TypeVar"))):
            return True
        case _:
            return False


def _changes(node: ast.AST) -> Iterator[Change]:
    """Yields what may stand in the place of one node."""
    match node:
        case ast.Compare(ops=ops):
            for number, op in enumerate(ops):
                yield _with(node, ops=[*ops[:number], COMPARED[type(op)](), *ops[number + 1 :]]), ""
        case ast.BinOp(op=op) if type(op) in COMPUTED:
            yield _with(node, op=COMPUTED[type(op)]()), ""
        case ast.BoolOp(op=op, values=values):
            other = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield _with(node, op=other), f"{_word(op)} -> {_word(other)}"
            for number, value in enumerate(values):
                yield _joined(op, _without(values, number)), f"without `{_head(value)}`"
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand, ""
        case ast.Constant(value=value):
            yield from ((ast.Constant(other), "") for other in _others(value))
        case ast.Call(func=ast.Name(id=name)) if name in CALLED:
            yield _with(node, func=ast.Name(CALLED[name], ast.Load())), f"{name} -> {CALLED[name]}"
        case ast.IfExp(test=test) if _may_be_negated(test):
            yield _with(node, test=_not(test)), f"if {_head(test)} -> if not"
        case ast.comprehension(ifs=[first, *others]) if _may_be_negated(first):
            yield _with(node, ifs=[_not(first), *others]), f"if {_head(first)} -> if not"
        case ast.Dict(keys=keys, values=values):
            yield from _other_rows(node, keys, values)
        case ast.match_case(guard=ast.expr() as guard):
            yield _with(node, guard=_not(guard)), "guard -> not guard"
        case ast.stmt():
            yield from _other_statements(node)


def _other_statements(node: ast.stmt) -> Iterator[Change]:
    match node:
        case ast.If(test=test) | ast.While(test=test) if _may_be_negated(test):
            yield _with(node, test=_not(test)), f"{_head(node)} -> not"
        case ast.Return(value=ast.expr() as value) if ast.unparse(value) not in ("None", "False"):
            yield ast.Return(ast.Constant(None)), ""
        case ast.AugAssign(op=op) if type(op) in COMPUTED:
            yield _with(node, op=COMPUTED[type(op)]()), ""
            yield ast.Pass(), f"without `{_head(node)}`"
        case ast.Return() | ast.Raise() | ast.Expr():
            yield ast.Pass(), f"without `{_head(node)}`"
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript(), *_]):
            yield ast.Pass(), f"without `{_head(node)}`"
        case ast.Break():
            yield ast.Continue(), ""
        case ast.Continue():
            yield ast.Break(), ""
        case ast.Match(cases=cases) if len(cases) > 1:
            for number, case in enumerate(cases):
                other = _with(node, cases=_without(cases, number))
                yield other, f"without `case {_head(case.pattern)}`"


def _other_rows(
    node: ast.Dict, keys: list[ast.expr | None], values: list[ast.expr]
) -> Iterator[Change]:
    """Yields a table without each of its rows, and with the value of another row in each."""
    for number, value in enumerate(values):
        key = keys[number]
        row = "**" if key is None else _head(key)
        rest = _with(node, keys=_without(keys, number), values=_without(values, number))
        yield rest, f"without row `{row}`"
        others = [each for each in values if ast.dump(each) != ast.dump(value)]
        if isinstance(value, ast.Attribute) and others:
            new = _with(node, values=[*values[:number], others[0], *values[number + 1 :]])
            yield new, f"row `{row}`: {_head(value)} -> {_head(others[0])}"


def _others(value: object) -> Iterator[bool | int | float | str]:
    match value:
        case bool():
            yield not value
        case int() | float():
            yield from (value + 1, value - 1)
        case str():
            yield "" if value else "mutant"


def _may_be_negated(test: ast.expr) -> bool:
    match test:
        case ast.UnaryOp(op=ast.Not()):
            return False
        case ast.Compare(ops=[op]):
            return not isinstance(op, OWN_NEGATION)
        case _:
            return True


def _joined(op: ast.boolop, values: list[ast.expr]) -> ast.expr:
    return values[0] if len(values) == 1 else ast.BoolOp(op, values)


def _not(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), test)


def _without(nodes: list[Item], number: int) -> list[Item]:
    return [*nodes[:number], *nodes[number + 1 :]]


def _with(node: Node, **fields: object) -> Node:
    """Returns a copy of a node with other fields."""
    other = copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def _word(op: ast.boolop) -> str:
    return "and" if isinstance(op, ast.And) else "or"


def _head(node: ast.AST) -> str:
    """Returns a node in one line, a compound statement by its first, and that if it is short."""
    if isinstance(node, ast.FunctionDef):
        return f"def {node.name}"
    if isinstance(node, ast.ClassDef):
        return f"class {node.name}"
    line = ast.unparse(node).strip().splitlines()[0]
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."
