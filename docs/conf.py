"""How the documents become a site: ``make site``, without a network.

The pages are Markdown that reads well as it is; those of the reference are written from the code by
``docs/generate.py``. A warning is an error.
"""

from __future__ import annotations

from evoframe import __version__

project = "evoframe"
author = "the authors of evoframe"
copyright = author  # noqa: A001  Sphinx's word
release = version = __version__

extensions = ["myst_parser"]
exclude_patterns = ["_build", "generate.py"]

myst_heading_anchors = 4
"""Links may lead to headings down to this level, by the names that GitHub gives them."""

html_theme = "furo"
html_title = "evoframe"
html_show_sphinx = False
