"""Reports as JSON files: written whole or not at all, and read back with errors that say where."""

from __future__ import annotations

import json
import os
from pathlib import Path

from edgefeat.bench.results import SCHEMA, Report
from edgefeat.errors import SinkError, SourceError
from edgefeat.model import codec

__all__ = ["check_place", "read_report", "write_report", "write_text"]


def check_place(path: Path) -> None:
    """Say before a measurement what would keep its result from being written.

    Raises:
        SinkError: The path is a folder, or its folder is missing or cannot be written to.
    """
    folder = path.parent
    if path.is_dir():
        reason = "it is a folder"
    elif not folder.is_dir():
        reason = f"the folder {folder} does not exist"
    elif not os.access(folder, os.W_OK):
        reason = f"the folder {folder} cannot be written to"
    else:
        return
    raise SinkError(f"{path}: cannot be written: {reason}. Choose another place.")


def write_report(report: Report, path: Path) -> None:
    """Write the JSON; the file appears whole or not at all.

    Raises:
        SinkError: It cannot be written.
    """
    write_text(json.dumps(codec.write(report), allow_nan=False) + "\n", path)


def write_text(text: str, path: Path) -> None:
    """Write a text file under a temporary name and rename it.

    Raises:
        SinkError: It cannot be written.
    """
    spool = path.with_name(f".{path.name}.part")
    try:
        spool.write_text(text, encoding="utf-8")
        spool.replace(path)
    except OSError as error:
        spool.unlink(missing_ok=True)
        raise SinkError(
            f"{path}: cannot be written: {error.strerror}. Choose another place."
        ) from error


def read_report(path: Path) -> Report:
    """Read the JSON of an earlier run.

    Raises:
        SourceError: Missing, not JSON, or not a report of this schema.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}. Check the path.") from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceError(f"{path}: expected JSON of `edgefeat bench`, got {error}.") from error
    found = document.get("schema") if isinstance(document, dict) else None
    if found != SCHEMA:
        raise SourceError(
            f"{path}: schema: expected {SCHEMA!r}, got {found!r}. Make the file with "
            "`edgefeat bench --json FILE`."
        )
    try:
        return codec.read(Report, document)
    except codec.CodecError as error:
        raise SourceError(f"{path}: {error}. Make it again with `edgefeat bench`.") from error
