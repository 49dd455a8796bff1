"""A TOML file of cameras: each option of `edgefeat stream` for one camera or for all.

    fps = 2                              # for all, unless a camera says otherwise

    [cameras.yard]
    source = "rtsp://me:secret@192.168.1.20/live"
    motion = 8
    mask = ["0,0,1,0.1"]

    [cameras.door]
    source = 0
    size = "640x480"

The words are the command's flags without their dashes. A switch is `true`; what may be given
several times is a list.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from edgefeat.cli.options import is_given
from edgefeat.cli.parser import Parser, suggestion
from edgefeat.cli.stream_options import add_selection_options, add_source_options
from edgefeat.errors import OptionError, SourceError

__all__ = ["read_cameras"]

_NOT_OF_A_CAMERA = ("calibrate", "wait")
_WAITED_FOR = "wait: cameras of a file are always waited for. `reconnect` bounds that"


class _TableParser(Parser):
    """Reads a camera's options; what is wrong with them it raises."""

    def error(self, message: str) -> NoReturn:
        raise OptionError(message)

    def spell(self, option: str) -> str:
        """Return an option as it stands in the file."""
        return super().spell(option).removeprefix("--")


def read_cameras(path: Path, arguments: argparse.Namespace) -> dict[str, argparse.Namespace]:
    """Return the options of each camera of a file, by its name, with the rest of a command line.

    What the file says of a camera stands in its options as `words`, by which changes are seen.

    Args:
        path: The file.
        arguments: The command line. Options of cameras have no place there.

    Raises:
        SourceError: It cannot be read, or is no TOML.
        OptionError: An option is unknown or does not fit.
    """
    parser = _parser()
    for action in parser._actions:
        if action.dest != "help" and is_given(arguments, action.dest):
            raise OptionError(
                "has its place in the file of cameras",
                option=action.dest,
                remedy=f"Write it into {path}, at its top for all cameras.",
            )
    content = _content(path)
    cameras = content.pop("cameras", {})
    if not isinstance(cameras, dict) or not cameras:
        raise SourceError(
            "expected cameras, such as a table [cameras.yard] with a source", where=path
        )
    found = {}
    for name, table in cameras.items():
        own = table if isinstance(table, dict) else {"source": table}
        words = {**content, **own}
        try:
            found[name] = _options(parser, words, arguments)
        except OptionError as error:
            raise SourceError(f"{name}: {error.message(parser.spell)}", where=path) from error
    return found


def _parser() -> _TableParser:
    parser = _TableParser(add_help=False)
    add_selection_options(parser)
    add_source_options(parser)
    return parser


def _content(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise SourceError(
            f"cannot be read: {error.strerror}", where=path, remedy="Check the path."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"not TOML: {error}", where=path) from error


def _options(
    parser: _TableParser, words: Mapping[str, Any], arguments: argparse.Namespace
) -> argparse.Namespace:
    rest = dict(words)
    source = rest.pop("source", None)
    if isinstance(source, bool) or not isinstance(source, str | int):
        got = "none" if source is None else _shown(source)
        raise OptionError(f"source: expected a URL, a path or a number, got {got}")
    known = {flag[2:] for action in parser._actions for flag in action.option_strings}
    known -= set(_NOT_OF_A_CAMERA)
    line: list[str] = []
    for word, value in rest.items():
        if word == "wait":
            raise OptionError(_WAITED_FOR)
        if word not in known:
            raise OptionError(f"no option {word!r}{suggestion(word, known)}")
        line += _flags(parser, word, value)
    read = argparse.Namespace()
    parser.parse_known_args(line, read)
    own = {**vars(read), "source": str(source), "words": words}
    return argparse.Namespace(**{**vars(arguments), **own})


def _flags(parser: _TableParser, word: str, value: object) -> Iterator[str]:
    """Yield the words of a command line that say the same."""
    action = next(one for one in parser._actions if f"--{word}" in one.option_strings)
    if action.nargs == 0:
        if value is not True:
            raise OptionError(f"{word}: expected true, got {_shown(value)}. Or leave it out")
        yield f"--{word}"
        return
    several = isinstance(action, argparse._AppendAction)
    if isinstance(value, dict):
        for key, one in value.items():
            yield f"--{word}={key}={_text(word, one)}"
    elif several and isinstance(value, list) and not _is_numbers(value):
        for one in value:
            yield f"--{word}={_text(word, one)}"
    else:
        yield f"--{word}={_text(word, value)}"


def _is_numbers(values: list[object]) -> bool:
    return bool(values) and all(isinstance(one, int | float) for one in values)


def _text(word: str, value: object) -> str:
    if isinstance(value, list) and _is_numbers(value):
        return ",".join(map(str, value))
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise OptionError(f"{word}: expected a text or a number, got {_shown(value)}")
    return str(value)


def _shown(value: object) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
