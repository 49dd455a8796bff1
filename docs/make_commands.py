"""Writes a page for each command from its parser, so that pages cannot differ from `--help`."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

__all__ = ["write_pages"]

_WIDTH = "80"  # columns of the usage and the examples
_INDEX = """\
# Commands

`edgefeat` runs on the device, `edgefeat-export` on a workstation. The pages say what
`COMMAND --help` says. {doc}`../exit_codes` are the same for all.
"""


def write_pages(folder: Path) -> None:
    """Write `NAME.md` for every command and `index.md` with all of them."""
    from edgefeat.cli import main as runtime
    from edgefeat_export.cli import main as exporter

    folder.mkdir(exist_ok=True)
    names = []
    with patch.dict(os.environ, COLUMNS=_WIDTH):
        for _, commands in (runtime.build_parser(), exporter.build_parser()):
            for command in commands.choices.values():
                name = command.prog.replace(" ", "-")
                names.append(name)
                _write(folder / f"{name}.md", "\n".join(_page(command)))
    listed = "\n".join(names)
    _write(folder / "index.md", f"{_INDEX}\n```{{toctree}}\n:maxdepth: 1\n\n{listed}\n```\n")


def _page(command: argparse.ArgumentParser) -> Iterator[str]:
    yield f"# {command.prog}\n"
    yield f"{_prose(command.description or '')}\n"
    yield f"```text\n{command.format_usage().rstrip()}\n```\n"
    formatter = command._get_formatter()
    for group in command._action_groups:
        shown = [one for one in group._group_actions if one.help != argparse.SUPPRESS]
        if shown:
            yield f"## {(group.title or '').capitalize()}\n"
        for action in shown:
            yield f"`{formatter._format_action_invocation(action)}`"
            yield f": {_prose(formatter._expand_help(action))}\n"
    if command.epilog:
        yield f"## More\n\n```text\n{command.epilog.rstrip()}\n```\n"


def _prose(text: str) -> str:
    """Return text in which nothing is taken for Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>#|$])", r"\\\1", " ".join(text.split()))


def _write(path: Path, text: str) -> None:
    """Leave a page alone that says the same already: Sphinx would build it anew."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
