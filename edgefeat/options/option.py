"""Options: each exists once, in a record, with its default, its check and its words.

A record of options says what a part of edgefeat can be asked to do:

    class EngineOptions(Options):
        threads: int = option(
            1, "threads inside one inference", check=whole_number, read=whole_from, metavar="N"
        )

The same record serves everybody:

- A library function takes it whole, or takes keyword arguments of the same names and makes it with
  `EngineOptions.of(threads=threads, ...)`. A wrong value is an `OptionError` that names the option.
- A command makes its flags of it: `edgefeat.cli.options.add_options(parser, EngineOptions)`.
- `explained(EngineOptions)` is the text for `help()`.

Who cannot use an option refuses it with an `OptionError`; in a command, where options were given
or not, `edgefeat.cli.options.refuse` does so. The extractor's records are in
`edgefeat.options.extractor`. Standard library only: every start of a program loads this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field
from enum import StrEnum
from functools import partial
from typing import Any, Self

from edgefeat.options.checks import member
from edgefeat.record import Record

__all__ = [
    "Option",
    "Options",
    "explained",
    "member_of",
    "number_from",
    "option",
    "size_from",
    "whole_from",
]

_HELP_WIDTH = 92  # columns; `help()` adds 4 of its own to a class's text
Check = Callable[[str, object], object]


class Option:
    """What is known of one option besides its name and default.

    Args:
        words: What the option is or does, as a part of a sentence. For a switch: what the user asks
            for by turning it, as a command ("scale every vector to unit length").
        check: Called with the option's name and a value; returns the value as it is used, or
            raises `OptionError`. The default None of an option is not checked.
        read: Turns the text of a command line into a value; what it cannot read it returns as it
            is, for `check` to refuse.
        metavar: What stands for the value in a command's help.
        flag: Whether commands have a flag for it.
        repeated: Whether the flag may be given several times; its values then make a list.
    """

    __slots__ = ("check", "flag", "metavar", "read", "repeated", "words")

    def __init__(
        self,
        words: str,
        *,
        check: Check,
        read: Callable[[str], object] = str,
        metavar: str = "VALUE",
        flag: bool = True,
        repeated: bool = False,
    ) -> None:
        self.words, self.check, self.read = words, check, read
        self.metavar, self.flag, self.repeated = metavar, flag, repeated


def option(
    default: object,
    words: str,
    *,
    check: Check,
    read: Callable[[str], object] = str,
    metavar: str = "VALUE",
    flag: bool = True,
    repeated: bool = False,
) -> Any:
    """Declare a field of an `Options` record; see `Option` for the arguments."""
    known = Option(words, check=check, read=read, metavar=metavar, flag=flag, repeated=repeated)
    return field(default=default, metadata={"option": known})


class Options(Record):
    """Base of a record of options; every field is made with `option`, and checked here."""

    def __post_init__(self) -> None:
        for name, one in self.each():
            value = getattr(self, name)
            if value is not None or self.default_of(name) is not None:
                object.__setattr__(self, name, one.check(name, value))

    @classmethod
    def of(cls, **given: Any) -> Self:
        """Make the record of what a user gave, in any form that the checks accept.

        Raises:
            OptionError: A value does not fit.
        """
        return cls(**given)

    @classmethod
    def each(cls) -> Iterator[tuple[str, Option]]:
        """Yield the options by name, in order."""
        for name, one in cls.__dataclass_fields__.items():
            yield name, one.metadata["option"]

    @classmethod
    def default_of(cls, name: str) -> Any:
        """Return what an option is unless it is given."""
        return cls.__dataclass_fields__[name].default

    @classmethod
    def words_of(cls, name: str) -> str:
        """Return an option's words, with its default where they do not tell it themselves."""
        default, words = (
            cls.default_of(name),
            cls.__dataclass_fields__[name].metadata["option"].words,
        )
        if default is None or default == () or isinstance(default, bool):
            return str(words)
        shown = ",".join(default) if isinstance(default, tuple) else default
        if isinstance(default, float):
            shown = f"{default:g}"
        return f"{words} (default: {shown})"


def explained(*records: type[Options]) -> str:
    """Return lines for a docstring that explain every option of some records."""
    lines = []
    for record in records:
        for name, _ in record.each():
            default, words = record.default_of(name), record.words_of(name)
            if isinstance(default, bool):
                words = f"pass {not default} to {words}"
            lines += _wrapped(f"{name}: {words[0].upper()}{words[1:]}.")
    return "\n".join(lines)


def _wrapped(text: str) -> list[str]:
    """Return an indented entry in lines that a terminal shows whole; textwrap costs 1 ms."""
    lines, indent = [], "    "
    line = indent
    for word in text.split():
        if len(line) + len(word) >= _HELP_WIDTH:
            lines.append(line.rstrip())
            line = indent + "    "
        line += f"{word} "
    return [*lines, line.rstrip()]


def whole_from(text: str) -> object:
    """Read a whole number of 0 or more; other text is returned as it is."""
    return int(text) if text.isdecimal() else text


def number_from(text: str) -> object:
    """Read a number; other text is returned as it is."""
    try:
        return float(text)
    except ValueError:
        return text


def size_from(text: str) -> object:
    """Read a width and height, such as 640x480, as (height, width); other text stays as it is."""
    width, _, height = text.lower().partition("x")
    return (int(height), int(width)) if width.isdecimal() and height.isdecimal() else text


def member_of(kind: type[StrEnum]) -> Check:
    """Return the check of a closed choice: text in, a member of the enumeration out."""
    return partial(_member, kind)


def _member(kind: type[StrEnum], name: str, value: object) -> StrEnum:
    return member(name, value, kind)
