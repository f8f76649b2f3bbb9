"""How a tree of workers is, for whoever is outside: one source for probes, metrics and systemd."""

from .health import Health
from .report import Phase, Report, Trouble
from .stalls import Stalls

__all__ = ["Health", "Phase", "Report", "Stalls", "Trouble"]
