"""Doors for the documented import paths: ``fluid.utils.worker``, ``.dispatcher``, ``.errors``.

A door re-exports what the rooms behind it define. Nothing is defined in here.
"""
