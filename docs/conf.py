"""Sphinx settings: `sphinx-build -W --keep-going docs docs/_build/html` builds the site."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import reference  # noqa: E402 - beside this file

import memfit  # noqa: E402

project = "memfit"
author = "the memfit developers"
copyright = "the memfit developers, BSD-3-Clause"  # noqa: A001 - the name that Sphinx wants
version = release = memfit.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "myst_parser",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "paper"]
highlight_language = "none"
default_role = "code"

myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

html_theme = "pydata_sphinx_theme"
html_title = "memfit"
html_static_path = ["_static"]
html_css_files = ["memfit.css"]
html_show_sourcelink = False
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}


def setup(app: object) -> None:
    """Write the generated pages before Sphinx looks for pages, and list the topics."""
    reference.write_pages(HERE)
    app.connect("source-read", reference.list_topics)  # type: ignore[attr-defined]
    app.connect("autodoc-process-docstring", reference.as_restructured_text)  # type: ignore[attr-defined]
