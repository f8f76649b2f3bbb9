"""Supervision: groups whose children are started again when they end."""

from .dynamic import DynamicSupervisor
from .report import ChildCounts, ChildInfo
from .spec import ChildLike, ChildSpec
from .supervising import RestartLimits
from .supervisor import Supervisor

__all__ = [
    "ChildCounts",
    "ChildInfo",
    "ChildLike",
    "ChildSpec",
    "DynamicSupervisor",
    "RestartLimits",
    "Supervisor",
]
