"""Reports as JSON files: written whole or not at all, and read back with errors that say where."""

from __future__ import annotations

import json
from pathlib import Path

from edgefeat.atomic import write_text
from edgefeat.bench.results import SCHEMA, Report
from edgefeat.errors import SourceError
from edgefeat.model import codec

__all__ = ["read_report", "write_report"]


def write_report(report: Report, path: Path) -> None:
    """Write the JSON; the file appears whole or not at all.

    Raises:
        SinkError: It cannot be written.
    """
    write_text(path, json.dumps(codec.write(report), allow_nan=False) + "\n")


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
