"""The JSON Schema of a report, which `edgefeat bench --schema` prints."""

from __future__ import annotations

from typing import Any

from edgefeat.bench.results import BenchReport
from edgefeat.model import schema

__all__ = ["json_schema"]


def json_schema() -> dict[str, Any]:
    """Return the schema of a report's JSON."""
    return schema.json_schema(BenchReport, title="Report of `edgefeat bench`")
