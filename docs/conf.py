"""How Sphinx builds these pages: ``make docs``, which treats every warning as an error."""

from __future__ import annotations

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
