"""JSON objects to frozen dataclasses and back, with errors that name the path to the fault.

The dataclass is the schema: its type hints say what is expected and its `__post_init__` says what
is in range. Keys it does not name are kept in its field `extra` and written out again.
Standard library only.
"""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

__all__ = ["CodecError", "read", "write"]

T = TypeVar("T")
EXTRA = "extra"
_JSON_NAMES = {str: "a string", int: "an integer", bool: "true or false", float: "a number"}


class CodecError(ValueError):
    """A JSON value does not fit: the message begins with its path."""

    @classmethod
    def at(cls, path: str, expected: str, got: object) -> CodecError:
        """Make the usual message."""
        return cls(f"{path or 'top level'}: expected {expected}, got {_show(got)}")


def read(cls: type[T], value: object, path: str = "") -> T:
    """Build a dataclass from a JSON object.

    Args:
        cls: A dataclass, whose fields may be strings, numbers, booleans, string enums, tuples,
            string-keyed mappings, optional values and further dataclasses.
        value: What `json.loads` gave.
        path: Where `value` stands in the whole document, for messages.

    Raises:
        CodecError: A key is missing or its value does not fit.
    """
    if not isinstance(value, Mapping):
        raise CodecError.at(path, "an object", value)
    hints = typing.get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls) if f.name != EXTRA}  # type: ignore[arg-type]
    arguments: dict[str, Any] = {}
    for name, field in fields.items():
        here = f"{path}.{name}" if path else name
        if name in value:
            arguments[name] = _convert(hints[name], value[name], here)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise CodecError.at(here, _describe(hints[name]), None)
    if EXTRA in hints:
        arguments[EXTRA] = {key: item for key, item in value.items() if key not in fields}
    try:
        return cls(**arguments)
    except CodecError:
        raise
    except ValueError as error:  # __post_init__ says "field: expected ..., got ..."
        raise CodecError(f"{path}.{error}" if path else str(error)) from error


def write(value: Any) -> Any:
    """Return the JSON value of a dataclass (or of anything `read` takes as a field)."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        named = {
            f.name: write(getattr(value, f.name))
            for f in dataclasses.fields(value)
            if f.name != EXTRA
        }
        return named | dict(getattr(value, EXTRA, {}))
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, tuple):
        return [write(item) for item in value]
    if isinstance(value, Mapping):
        return {key: write(item) for key, item in value.items()}
    return value


def _convert(hint: Any, value: object, path: str) -> Any:
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        (hint,) = (arm for arm in typing.get_args(hint) if arm is not type(None))
        return _convert(hint, value, path)
    if origin is tuple:
        return _convert_tuple(typing.get_args(hint), value, path)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _convert_mapping(typing.get_args(hint)[1], value, path)
    if dataclasses.is_dataclass(hint):
        return read(typing.cast("type[Any]", hint), value, path)
    return _convert_scalar(hint, value, path)


def _convert_scalar(hint: Any, value: object, path: str) -> Any:
    if issubclass(hint, enum.StrEnum):
        members = {member.value: member for member in hint}
        if not isinstance(value, str) or value not in members:
            raise CodecError.at(path, _describe(hint), value)
        return members[value]
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise CodecError.at(path, _describe(hint), value)
    return value


def _convert_tuple(arms: tuple[Any, ...], value: object, path: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise CodecError.at(path, "a list", value)
    if arms[-1] is Ellipsis:
        arms = (arms[0],) * len(value)
    elif len(arms) != len(value):
        raise CodecError.at(path, f"a list of {len(arms)}", value)
    pairs = zip(arms, value, strict=True)
    return tuple(_convert(arm, item, f"{path}[{i}]") for i, (arm, item) in enumerate(pairs))


def _convert_mapping(hint: Any, value: object, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise CodecError.at(path, "an object", value)
    convert: Callable[[Any, object, str], Any] = (lambda _h, v, _p: v) if hint is Any else _convert
    return {key: convert(hint, item, f"{path}.{key}") for key, item in value.items()}


def _describe(hint: Any) -> str:
    if isinstance(hint, type) and issubclass(hint, enum.StrEnum):
        return "one of " + ", ".join(repr(member.value) for member in hint)
    if hint in _JSON_NAMES:
        return _JSON_NAMES[hint]
    if typing.get_origin(hint) is tuple:
        return "a list"
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return " or ".join(
            "null" if a is type(None) else _describe(a) for a in typing.get_args(hint)
        )
    return "an object"


def _show(value: object) -> str:
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
