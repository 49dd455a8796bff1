"""Frozen, keyword-only records that cost next to nothing to define.

`dataclass` compiles an `__init__` and five more methods for every class, at every start. The
classes here share one of each; for everything else (`fields`, `replace`, `asdict`, type checkers)
they are dataclasses. Standard library only.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field
from typing import Any, ClassVar, dataclass_transform

__all__ = ["Record"]

_LONGEST_TEXT = 100  # characters of a text that `repr` shows whole; a probe's has 3,416


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class Record:
    """Base of a record: its fields are the class's annotations, checked in `__post_init__`."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def __init_subclass__(cls) -> None:
        dataclass(init=False, repr=False, eq=False, match_args=False)(cls)

    def __init__(self, **values: Any) -> None:
        fields = self.__dataclass_fields__
        if unknown := values.keys() - fields:
            raise TypeError(f"{type(self).__name__}: unknown field {min(unknown)!r}")
        for name, one in fields.items():
            if name not in values:
                values[name] = (
                    one.default if one.default_factory is MISSING else one.default_factory()
                )
            if values[name] is MISSING:
                raise TypeError(f"{type(self).__name__}: missing field {name!r}")
            object.__setattr__(self, name, values[name])
        self.__post_init__()

    def __post_init__(self) -> None:
        """Raise ValueError where fields do not fit."""

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if type(other) is type(self) else NotImplemented

    __hash__ = None  # type: ignore[assignment] # fields may be mappings

    def __repr__(self) -> str:
        """Show the fields that differ from their defaults; of a long text only its beginning."""
        shown = []
        for name, one in self.__dataclass_fields__.items():
            value = getattr(self, name)
            default = one.default if one.default_factory is MISSING else one.default_factory()
            if value != default:
                shown.append(f"{name}={_shown(value)}")
        return f"{type(self).__name__}({', '.join(shown)})"


def _shown(value: object) -> str:
    if not isinstance(value, str):
        return repr(value)
    text = str(value)  # for a member of an enumeration this is its text
    if len(text) <= _LONGEST_TEXT:
        return repr(text)
    return f"<{len(text)} characters: {text[:12]!r}...>"
