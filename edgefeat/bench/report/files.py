"""Reports as JSON files: written whole or not at all, and read back with errors that say where."""

from __future__ import annotations

import json
import os
from pathlib import Path

from edgefeat import atomic
from edgefeat.bench.results import BenchReport
from edgefeat.errors import SourceError

__all__ = ["json_text", "read_report", "write_report"]


def json_text(report: BenchReport) -> str:
    """Return the JSON of a report, on one line."""
    return json.dumps(report.as_dict(), allow_nan=False) + "\n"


def write_report(report: BenchReport, path: str | os.PathLike[str]) -> None:
    """Write the JSON of a report; the file appears whole or not at all.

    Raises:
        SinkError: The file cannot be written.
    """
    atomic.write_text(Path(path), json_text(report))


def read_report(path: str | os.PathLike[str]) -> BenchReport:
    """Read the JSON of an earlier run.

    Raises:
        SourceError: The file is missing, not JSON, or not a report of this schema.
    """
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(
            f"cannot be read: {error.strerror}", where=path, remedy="Check the path."
        ) from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceError(f"expected JSON of `edgefeat bench`, got {error}", where=path) from error
    try:
        return BenchReport.from_dict(document)
    except SourceError as error:
        raise error.within(path) from error.__cause__
