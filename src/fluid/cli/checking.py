"""``fluid check``: makes the worker, draws its tree, and compares its stop with the deadline."""

from __future__ import annotations

import asyncio
import sys
from math import isinf

import click

from ..errors import FluidError
from ..runtime.deadline import Deadline
from ..runtime.exit_codes import CLEAN, UNFINISHED, Facts, exit_code
from ..worker.fresh import Make, is_usable, made_by
from .drawing import Tree, branches_for, draw, seconds
from .imports import raised
from .loops import factory_of
from .options import BY_NAME
from .refusal import Refusal, encoding_of, say
from .running import check_options, target_of
from .sources import ARGUMENTS, is_left_out
from .target import maker


def check_here(context: click.Context) -> int:
    """Prints the tree of the target; returns 1 if its stop may overrun a deadline that was set.

    One that nobody has set is no promise that anybody could break.
    """
    values, target = context.params, target_of(context)
    check_options(context)
    loop_factory = factory_of(values["loop"])
    make = maker(target, context.meta[ARGUMENTS])
    with asyncio.Runner(debug=values["debug"] or None, loop_factory=loop_factory) as runner:
        tree = runner.run(_tree_of(make, target))
    for line in draw(tree, branches_for(encoding_of(sys.stdout))):
        say(line)
    deadline = Deadline(values["deadline"], values["drain_delay"])
    fits, verdict = _compare(tree["stop_bound"], deadline)
    if fits or is_left_out(context, BY_NAME["deadline"]):
        say(verdict)
        return CLEAN
    raise Refusal(verdict, code=UNFINISHED)


async def _tree_of(make: Make, target: str) -> Tree:
    """Returns the tree of a worker that is made as ``fluid run`` would: in a loop."""
    try:
        worker = await made_by(make)
    except BaseException as error:
        code = exit_code(Facts(start_error=error))
        raise Refusal(f"{target} {raised(error)}", code=code) from error
    try:
        return is_usable(worker, f"{target} has to make", "{}").worker_tree()
    except FluidError as error:
        raise Refusal(str(error)) from error


def _compare(bound: float | None, deadline: Deadline) -> tuple[bool, str]:
    """Returns whether a stop fits into the deadline in the worst case, and that in words."""
    limit, budget = deadline.for_tree, deadline.words
    if (bound is None and isinf(limit)) or (bound is not None and bound <= limit):
        if isinf(limit):
            budget = "the process has no deadline"
        return True, f"a stop takes {_at_most(bound)}; {budget}"
    return False, (
        f"a stop takes {_at_most(bound)}, and only {budget}; if it comes to that, all periods "
        f"shrink alike: give the workers less (--stopping-grace-period, or the periods of their "
        f"classes), or the process more (--deadline, and no less to the platform)"
    )


def _at_most(bound: float | None) -> str:
    return "as long as it likes" if bound is None else f"at most {seconds(bound)}"
