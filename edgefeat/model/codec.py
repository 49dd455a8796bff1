"""JSON objects to frozen dataclasses and back, with errors that name the path to the fault.

The dataclass is the schema: its type hints say what is expected, and its `__post_init__` raises
`OptionError` for a field whose value is out of range. Keys that the dataclass does not name are
kept in its field `extra` and written out again. Where a list may hold records of several classes,
the key `kind` tells them apart: each class has its word in the class variable `KIND`.
Standard library only.
"""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from edgefeat.errors import ExplainedError, OptionError

__all__ = ["LEFT_OUT_IF_NONE", "CodecError", "read", "write"]

T = TypeVar("T")
EXTRA = "extra"
_KIND = "kind"  # key of a record in a list of several kinds of records
LEFT_OUT_IF_NONE: Mapping[str, Any] = types.MappingProxyType({"left_out_if_none": True})
"""Metadata of a field that came later: files without it keep their bytes."""
_JSON_NAMES = {str: "a string", int: "an integer", bool: "true or false", float: "a number"}


class CodecError(ExplainedError, ValueError):
    """A JSON value does not fit its record.

    Its place is the path to the value, such as `outputs[1].shape`. It grows from the inside out:
    every object, list and mapping on the way adds its own step in front (`inside`).
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem, where="top level")
        self._path = ""

    @classmethod
    def of(cls, expected: str, got: object) -> CodecError:
        """Make the usual error: something was expected, and something else is there."""
        return cls(f"expected {expected}, got {_show(got)}")

    def inside(self, step: str) -> CodecError:
        """Add an outer step to the path, a key or `[index]`, and return this error."""
        dot = "." if self._path and not self._path.startswith("[") else ""
        self._path = f"{step}{dot}{self._path}"
        self.where = self._path
        return self


def read(cls: type[T], value: object) -> T:
    """Build a dataclass from a JSON object.

    Args:
        cls: A dataclass, whose fields may be strings, numbers, booleans, string enums, tuples,
            string-keyed mappings, optional values and further dataclasses.
        value: What `json.loads` gave.

    Raises:
        CodecError: A key is missing or its value does not fit.
    """
    if not isinstance(value, Mapping):
        raise CodecError.of("an object", value)
    hints = typing.get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls) if f.name != EXTRA}  # type: ignore[arg-type]
    arguments: dict[str, Any] = {}
    for name, field in fields.items():
        if name in value:
            arguments[name] = _inside(name, hints[name], value[name])
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise CodecError.of(_describe(hints[name]), None).inside(name)
    if EXTRA in hints:
        arguments[EXTRA] = {key: item for key, item in value.items() if key not in fields}
    try:
        return cls(**arguments)
    except OptionError as error:  # __post_init__ names the field
        fault = CodecError(error.problem)
        raise (fault.inside(error.option) if error.option else fault) from error
    except ValueError as error:
        raise CodecError(str(error)) from error


def write(value: Any) -> Any:
    """Return the JSON value of a dataclass (or of anything `read` takes as a field)."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        named = {
            f.name: write(getattr(value, f.name))
            for f in dataclasses.fields(value)
            if f.name != EXTRA
            and not (f.metadata.get("left_out_if_none") and getattr(value, f.name) is None)
        }
        return named | dict(getattr(value, EXTRA, {}))
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, tuple):
        return [_with_kind(item, write(item)) for item in value]
    if isinstance(value, Mapping):
        return {key: write(item) for key, item in value.items()}
    return value


def _with_kind(value: Any, written: Any) -> Any:
    """Return what was written of an item of a list, with its kind if its class has one."""
    kind = getattr(value, "KIND", None)
    return written if kind is None else {_KIND: kind} | written


def _inside(step: str, hint: Any, value: object) -> Any:
    """Convert the value at one step of the path; an error says that it happened there."""
    try:
        return _convert(hint, value)
    except CodecError as error:
        error.inside(step)
        raise


def _convert(hint: Any, value: object) -> Any:
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        arms = [arm for arm in typing.get_args(hint) if arm is not type(None)]
        if value is None and len(arms) < len(typing.get_args(hint)):
            return None
        return _convert(arms[0], value) if len(arms) == 1 else _convert_kind(arms, value)
    if origin is tuple:
        return _convert_tuple(typing.get_args(hint), value)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _convert_mapping(typing.get_args(hint)[1], value)
    if dataclasses.is_dataclass(hint):
        return read(typing.cast("type[Any]", hint), value)
    return _convert_scalar(hint, value)


def _convert_kind(arms: Sequence[Any], value: object) -> Any:
    """Convert an object whose key `kind` says which record it is."""
    if isinstance(value, tuple(arms)):
        return value  # read before
    if not isinstance(value, Mapping):
        raise CodecError.of("an object", value)
    kinds = {arm.KIND: arm for arm in arms}
    kind = value.get(_KIND)
    if not isinstance(kind, str) or kind not in kinds:
        raise CodecError.of("one of " + ", ".join(map(repr, kinds)), kind).inside(_KIND)
    return read(kinds[kind], {key: item for key, item in value.items() if key != _KIND})


def _convert_scalar(hint: Any, value: object) -> Any:
    if issubclass(hint, enum.StrEnum):
        members = {member.value: member for member in hint}
        if not isinstance(value, str) or value not in members:
            raise CodecError.of(_describe(hint), value)
        return members[value]
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise CodecError.of(_describe(hint), value)
    return value


def _convert_tuple(arms: tuple[Any, ...], value: object) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise CodecError.of("a list", value)
    if arms[-1] is Ellipsis:
        arms = (arms[0],) * len(value)
    elif len(arms) != len(value):
        raise CodecError.of(f"a list of {len(arms)}", value)
    pairs = zip(arms, value, strict=True)
    return tuple(_inside(f"[{i}]", arm, item) for i, (arm, item) in enumerate(pairs))


def _convert_mapping(hint: Any, value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise CodecError.of("an object", value)
    if hint is Any:
        return dict(value)
    return {key: _inside(str(key), hint, item) for key, item in value.items()}


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
