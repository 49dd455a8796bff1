"""Writes a page for each command from its parser, so that pages cannot differ from `--help`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from unittest.mock import patch

__all__ = ["write_pages"]

_WIDTH = "96"  # columns, as on a wide terminal


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
                _write(folder / f"{name}.md", _page(command))
    listed = "\n".join(names)
    _write(folder / "index.md", f"{_INDEX}\n```{{toctree}}\n:maxdepth: 1\n\n{listed}\n```\n")


_INDEX = """\
# Commands

`edgefeat` runs on the device, `edgefeat-export` on a workstation. Each page below is what
`COMMAND --help` prints. {doc}`../exit_codes` are the same for all.
"""


def _page(command: argparse.ArgumentParser) -> str:
    return f"# {command.prog}\n\n```text\n{command.format_help().rstrip()}\n```\n"


def _write(path: Path, text: str) -> None:
    """Leave a page alone that says the same already: Sphinx would build it anew."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
