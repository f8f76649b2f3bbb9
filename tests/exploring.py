"""How fluid's own scenarios are explored: a fixed, small number of seeds, with eager tasks too.

``make explore`` runs the same scenarios under as many seeds as you have time for.
"""

from __future__ import annotations

from functools import partial

import fluid.testing

SEEDS = 20
"""Enough for most races, and little enough for every change; the campaign goes further."""

explored = partial(fluid.testing.explored, seeds=SEEDS, eager="both")
