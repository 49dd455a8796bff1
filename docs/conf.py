"""Sphinx's configuration; `make docs` builds the site into `out/docs`."""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent), str(DOCS.parent / "export")]

from make_commands import write_pages  # noqa: E402 - from this folder

import edgefeat  # noqa: E402

project = "edgefeat"
copyright = "the edgefeat authors, Apache-2.0"  # noqa: A001 - Sphinx's name for it
release = version = edgefeat.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["resize_vectors.md", "commands/generated/*"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_format = "short"
napoleon_google_docstring = True
napoleon_use_ivar = True
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = "edgefeat"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False

write_pages(DOCS / "commands")


def setup(app: Sphinx) -> None:
    """Let docstrings show indented examples and diagrams as they stand, and colons in sentences."""
    app.connect("autodoc-process-docstring", _as_literal_blocks, priority=400)
    app.connect("autodoc-process-docstring", _as_sentence, priority=400)


def _as_sentence(
    _app: Sphinx, what: str, _name: str, _obj: object, _options: object, lines: list[str]
) -> None:
    """Keep Napoleon from reading the first line of a property as `type: description`."""
    if what == "property":
        lines.insert(0, "")


def _as_literal_blocks(
    _app: Sphinx, _what: str, _name: str, _obj: object, _options: object, lines: list[str]
) -> None:
    """Mark what is indented after an empty line; sections such as `Args:` have none before it."""
    marked: list[str] = []
    said, empty = "", False
    for line in lines:
        if line.startswith(" ") and empty and said and not said.startswith(" "):
            marked += ["::", ""]
        marked.append(line)
        empty = not line.strip()
        said = said if empty else line
    lines[:] = marked
