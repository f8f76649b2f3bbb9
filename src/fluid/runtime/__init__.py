"""A worker as a process: signals, exit codes, and an end that comes."""

from .running import run

__all__ = ["run"]
