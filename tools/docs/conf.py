"""Settings of Sphinx. It runs in an environment of its own, `.venv-docs`; the SDK comes from that of development."""

from __future__ import annotations

import os
import re
import site
import sysconfig
from typing import Any

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx
from sphinx.ext.napoleon import Config, GoogleDocstring
from sphinx.util import logging

_environment = os.environ["FIRMTRAIL_VENV"]
site.addsitedir(sysconfig.get_path("purelib", vars={"base": _environment}))

project = "Firmtrail"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
include_patterns = [
    "*.md",
    "index.rst",
    "reference/*.rst",
    "docs/**.md",
    "packages/*/*.md",
    "bench/*.md",
    "bench/results/*.md",
    "examples/clients/*.md",
    "deploy/terraform/aws/*.md",
]
exclude_patterns = ["**/.*", "dist", "tests", "tools"]
html_theme = "furo"
html_title = "Firmtrail"
html_copy_source = False
html_show_search_summary = False  # fetches each page that was found, which a browser does not do from disk
html_theme_options = {"top_of_page_buttons": []}
highlight_language = "text"
myst_heading_anchors = 4  # as the hosting service makes them
autodoc_default_options = {"members": True, "undoc-members": True, "inherited-members": "Exception,str,tuple"}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"

_CODE = re.compile(r"(?<!`)`([^`]+)`(?!`)")


def setup(app: Sphinx) -> None:
    app.add_lexer("mermaid", TextLexer)
    app.connect("autodoc-process-docstring", _read)
    app.connect("autodoc-process-signature", _without_internals)


def _read(_app: Sphinx, kind: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Take a docstring as it is written here: with code between single backticks, and sections as Google has them."""
    if not lines and kind != "attribute":
        logging.getLogger(__name__).warning("%s has no docstring", name)
    lines[:] = [_CODE.sub(r"``\1``\\ ", line) for line in lines]
    if kind != "attribute":  # its line has no sections, but may have a colon
        lines[:] = GoogleDocstring(lines, Config(), None, kind, name, value, options).lines()


def _without_internals(
    _app: Sphinx, kind: str, _name: str, value: Any, _options: Any, arguments: str | None, _result: str | None
) -> tuple[str, None] | None:
    """Show how a class is called if it says so: models have fields, and lists and the like are made by a client."""
    is_internal = kind in {"class", "exception"} and "Args:" not in (value.__doc__ or "")
    return ("", None) if arguments and is_internal else None
