"""How Sphinx builds these pages: ``make docs``, which treats every warning as an error."""

from __future__ import annotations

import builtins
import re
import sys
from typing import Any

from sphinx import addnodes
from sphinx.pycode import ModuleAnalyzer

import fluid

project = "fluid"
author = "the fluid authors"
copyright = "2026, the fluid authors"  # noqa: A001 - the name that Sphinx reads
version = release = fluid.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
nitpicky = False

html_theme = "furo"
html_title = f"fluid {release}"

# Anchors for headings, so that pages may link to each other's sections.
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}

napoleon_numpy_docstring = False
napoleon_use_rtype = False
# Sections of our own, beside Google's.
napoleon_custom_sections = ["Cancellation", "Source"]


def setup(app: Any) -> None:
    """Puts right what Sphinx gets wrong; what it hands to each of these, it hands by position."""
    app.connect("autodoc-process-signature", _tidy_signature)
    app.connect("autodoc-process-docstring", _find_remark, priority=300)
    app.connect("autodoc-process-docstring", _keep_first_line, priority=400)  # before napoleon
    app.connect("doctree-read", _unlink_builtins)


def _tidy_signature(*event: Any) -> tuple[str, str | None] | None:
    """Shows a class as it is called, so that types are linked, and no private parameter."""
    *_, signature, returns = event
    if signature is None:
        return None
    signature = re.sub(r", _\w+: [^,)]*", "", signature)
    return re.sub(r"<class '([\w.]+)'>", r"\1", signature), returns


def _find_remark(*event: Any) -> None:
    """Has a constant say what is said below it where it is defined, not what its type says."""
    _app, what, name, _thing, _options, lines = event
    door, _, last = name.rpartition(".")
    if what != "data":
        return
    for module in [each for each in sys.modules if each.startswith(door)]:
        remark = ModuleAnalyzer.for_module(module).find_attr_docs().get(("", last))
        if remark is not None:
            lines[:] = remark


def _keep_first_line(*event: Any) -> None:
    """Has napoleon not take what stands before a colon for the type of an attribute."""
    _app, what, _name, _thing, _options, lines = event
    if what in ("attribute", "data", "property"):
        lines[:0] = ["..", ""]  # a comment; of blank lines it would take the next one


def _unlink_builtins(_app: Any, doctree: Any) -> None:
    """Has ``type`` in a signature lead nowhere, and not to some attribute of that name."""
    for link in list(doctree.findall(addnodes.pending_xref)):
        if link.get("reftarget") in vars(builtins):
            link.replace_self(link.children)
