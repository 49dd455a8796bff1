"""The JSON Schema of a report, made from the dataclasses that write and read it.

Draft 2020-12; `edgefeat bench --schema` prints it. Standard library only.
"""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Mapping
from typing import Any

from edgefeat.bench.results import SCHEMA, Report
from edgefeat.model.codec import EXTRA

__all__ = ["json_schema"]

_JSON_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number"}


def json_schema() -> dict[str, Any]:
    """Return the schema; every dataclass is one of its `$defs`, described by its docstring."""
    definitions: dict[str, Any] = {}
    _define(Report, definitions)
    report = definitions.pop(Report.__name__)
    report["properties"]["schema"] = {"const": SCHEMA}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Report of `edgefeat bench`",
        **report,
        "$defs": dict(sorted(definitions.items())),
    }


def _define(cls: type[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Enter a dataclass under its name, with all that it is made of; return a reference to it."""
    if cls.__name__ not in definitions:
        definitions[cls.__name__] = {}  # stands for itself meanwhile
        hints = typing.get_type_hints(cls)
        names = [field.name for field in dataclasses.fields(cls) if field.name != EXTRA]
        definitions[cls.__name__] = {
            "description": inspect.getdoc(cls),
            "type": "object",
            "properties": {name: _of(hints[name], definitions) for name in names},
            "required": names,  # what was not measured is null, never left out
        }
    return {"$ref": f"#/$defs/{cls.__name__}"}


def _of(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one field's type, of those that `edgefeat.codec` knows."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        (inner,) = (arm for arm in arguments if arm is not type(None))
        return {"anyOf": [_of(inner, definitions), {"type": "null"}]}
    if origin is tuple:
        return {"type": "array", "items": _of(arguments[0], definitions)}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _of(arguments[1], definitions)}
    if dataclasses.is_dataclass(hint):
        return _define(typing.cast("type[Any]", hint), definitions)
    return {"type": _JSON_TYPES[hint]}
