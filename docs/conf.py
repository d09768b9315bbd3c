"""Sphinx settings: `sphinx-build -W --keep-going docs docs/_build/html` builds the site."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import mathml  # noqa: E402 - beside this file
import reference  # noqa: E402
from sphinx.application import Sphinx  # noqa: E402

import memfit  # noqa: E402

project = "memfit"
author = "the memfit developers"
copyright = "the memfit developers, BSD-3-Clause"  # noqa: A001 - the name that Sphinx wants
version = release = memfit.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "myst_parser",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "paper"]
highlight_language = "none"
default_role = "code"

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "memfit"
html_static_path = ["_static"]
html_css_files = ["memfit.css"]
html_sidebars = {"**": ["globaltoc.html"]}
html_show_sourcelink = False
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "navbar_center": [],
    "navbar_persistent": [],
    "navbar_end": ["search-button-field", "theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}


def setup(app: Sphinx) -> None:
    """Write the generated pages before Sphinx looks for pages, list the topics, draw formulas."""
    reference.write_pages(HERE)
    app.connect("env-get-outdated", lambda *_: ["index"])  # it lists the pages that are there
    app.connect("source-read", reference.list_topics)
    app.connect("autodoc-process-docstring", reference.as_restructured_text, priority=400)  # before napoleon
    app.add_html_math_renderer(
        "mathml", inline_renderers=(mathml.draw_inline, None), block_renderers=(mathml.draw_block, None)
    )
