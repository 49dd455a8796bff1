"""The JSON Schema of records that `edgefeat.model.codec` writes, made from the records themselves.

The docstring of a record describes it, and the docstring's section `Attributes:` describes each of
its fields: what a program reads and what a person reads cannot part. Draft 2020-12. Standard
library only.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re
import types
import typing
from collections.abc import Mapping
from typing import Any

from edgefeat.model.codec import EXTRA

__all__ = ["described_fields", "json_schema"]

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_JSON_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number"}
_FIELD = re.compile(r"    (\w+): (.*)")


def json_schema(record: type[Any], *, title: str) -> dict[str, Any]:
    """Return the schema of a record; every record inside it is one of its `$defs`.

    Args:
        record: A dataclass whose fields `codec.write` can write. A field `schema` with a default
            must hold this default.
        title: What the JSON is.
    """
    definitions: dict[str, Any] = {}
    _define(record, definitions)
    whole = definitions.pop(record.__name__)
    for field in dataclasses.fields(record):
        if field.name == "schema" and field.default is not dataclasses.MISSING:
            whole["properties"]["schema"] |= {"const": field.default}
    return {"$schema": _DRAFT, "title": title, **whole, "$defs": dict(sorted(definitions.items()))}


def described_fields(record: type[Any]) -> dict[str, str]:
    """Return what the section `Attributes:` of a record's docstring says of each field."""
    _, _, section = (inspect.getdoc(record) or "").partition("Attributes:\n")
    found: dict[str, str] = {}
    name = None
    for line in section.splitlines():
        if match := _FIELD.fullmatch(line):
            name = match[1]
            found[name] = match[2]
        elif name is not None and line.startswith(" " * 8):
            found[name] += f" {line.strip()}"
        else:
            break  # another section
    return found


def _define(record: type[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Enter a record under its name, with all that it is made of; return a reference to it."""
    name = record.__name__
    if name not in definitions:
        definitions[name] = {}  # a record inside itself refers to this
        hints, described = typing.get_type_hints(record), described_fields(record)
        fields = [field.name for field in dataclasses.fields(record) if field.name != EXTRA]
        definitions[name] = {
            "description": _summary(record),
            "type": "object",
            "properties": {
                field: _of(hints[field], definitions) | {"description": described[field]}
                for field in fields
            },
            "required": fields,  # what was not measured is null, never left out
        }
    return {"$ref": f"#/$defs/{name}"}


def _summary(record: type[Any]) -> str:
    """Return a record's docstring without its sections, as one line."""
    before, _, _ = (inspect.getdoc(record) or "").partition("Attributes:\n")
    return " ".join(before.split())


def _of(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one field's type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        (inner,) = (arm for arm in arguments if arm is not type(None))
        return {"anyOf": [_of(inner, definitions), {"type": "null"}]}
    if origin is tuple:
        return _of_tuple(arguments, definitions)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        values = {} if arguments[1] is Any else _of(arguments[1], definitions)
        return {"type": "object", "additionalProperties": values}
    if dataclasses.is_dataclass(hint):
        return _define(typing.cast("type[Any]", hint), definitions)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {"enum": [member.value for member in hint]}
    return {"type": _JSON_TYPES[hint]}


def _of_tuple(arms: tuple[Any, ...], definitions: dict[str, Any]) -> dict[str, Any]:
    if arms[-1] is Ellipsis:
        return {"type": "array", "items": _of(arms[0], definitions)}
    items = [_of(arm, definitions) for arm in arms]
    return {"type": "array", "prefixItems": items, "minItems": len(arms), "items": False}
