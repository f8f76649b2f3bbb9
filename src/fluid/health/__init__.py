"""How a tree of workers is, for whoever is outside: one source for probes, metrics and systemd."""

from typing import TYPE_CHECKING

from ..on_demand import on_demand as _on_demand
from .report import Phase, Report, Trouble
from .stalls import Stalls

if TYPE_CHECKING:
    from .health import Health
else:
    __getattr__ = _on_demand(__name__, {"Health": "fluid.health.health"})  # a probe does without

__all__ = ["Health", "Phase", "Report", "Stalls", "Trouble"]
