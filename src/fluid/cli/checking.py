"""``fluid check``: makes the worker, draws its tree, and compares its stop with the deadline."""

from __future__ import annotations

import asyncio
import inspect
import sys
from math import isinf

import click

from ..errors import FluidError
from ..logs import error_text
from ..runtime.deadline import Deadline
from ..runtime.exit_codes import CLEAN, START_FAILED, UNFINISHED
from ..runtime.mistakes import is_usable
from ..worker import Worker
from .drawing import Tree, branches_for, draw, seconds
from .imports import place_of
from .loops import factory_of
from .refusal import Refusal, encoding_of, say
from .running import target_of
from .sources import ARGUMENTS
from .target import Maker, maker


def check_here(context: click.Context) -> int:
    """Prints the tree of the target, and returns 1 if its stop may take too long."""
    values, target = context.params, target_of(context)
    loop_factory = factory_of(values["loop"])
    make = maker(target, context.meta[ARGUMENTS])
    with asyncio.Runner(debug=values["debug"] or None, loop_factory=loop_factory) as runner:
        tree = runner.run(_tree_of(make, target))
    for line in draw(tree, branches_for(encoding_of(sys.stdout))):
        say(line)
    return _compare(tree["stop_bound"], Deadline(values["deadline"]))


async def _tree_of(make: Maker, target: str) -> Tree:
    """Returns the tree of a worker that is made as ``fluid run`` would: in a loop."""
    try:
        made = make()
        worker: Worker = await made if inspect.isawaitable(made) else made
        return is_usable(worker, f"{target} has to make").worker_tree()
    except FluidError as error:
        raise Refusal(str(error)) from error
    except BaseException as error:
        text = f"{target} raised {error_text(error)}, at {place_of(error)}"
        raise Refusal(text, code=START_FAILED) from error


def _compare(bound: float | None, deadline: Deadline) -> int:
    limit = deadline.for_tree
    budget = (
        f"{limit:.1f} of the {deadline.seconds:g} seconds of the process's deadline are for that"
    )
    if (bound is None and isinf(limit)) or (bound is not None and bound <= limit):
        say(f"a stop takes {_at_most(bound)}; {budget}")
        return CLEAN
    raise Refusal(
        f"a stop takes {_at_most(bound)}, and only {budget}: give the workers less "
        f"(--stopping-grace-period, or the periods of their classes), or the process more "
        f"(--deadline, and no less to the platform)",
        code=UNFINISHED,
    )


def _at_most(bound: float | None) -> str:
    return "as long as it likes" if bound is None else f"at most {seconds(bound)}"
