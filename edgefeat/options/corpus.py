"""The options of a run over many files: which are taken, and what a damaged picture does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import StrEnum

from edgefeat.errors import OptionError
from edgefeat.options.checks import switch
from edgefeat.options.option import Options, member_of, option

__all__ = ["CorpusOptions", "OnDamaged"]


class OnDamaged(StrEnum):
    """What becomes of a picture whose decoder reports damage and makes up what is missing.

    `keep` takes its features and names it in the ledger; `fail` lets it fail.
    """

    KEEP = "keep"
    FAIL = "fail"


def _globs(name: str, value: object) -> tuple[str, ...]:
    several = [value] if isinstance(value, str) else value
    if (
        not isinstance(several, Sequence)
        or isinstance(several, bytes)
        or not all(isinstance(one, str) and one.strip("/") for one in several)
    ):
        raise OptionError(f"expected patterns, such as '*.tmp', got {value!r}", option=name)
    return tuple(several)


def _path(name: str, value: object) -> str:
    if isinstance(value, str | os.PathLike) and isinstance(path := os.fspath(value), str) and path:
        return path
    raise OptionError(f"expected a path, or '-' for stdin, got {value!r}", option=name)


class CorpusOptions(Options):
    """Which files are taken, and what a damaged one does."""

    exclude: tuple[str, ...] = option(
        (),
        "leave out files and folders whose name matches; with a slash in it, whose path below the "
        "source does; may be given several times",
        check=_globs,
        metavar="GLOB",
        repeated=True,
    )
    default_excludes: bool = option(
        True,
        "take what is left out unless asked for: dot files, @eaDir, #recycle, __MACOSX, "
        "Thumbs.db, desktop.ini",
        check=switch,
    )
    files_from: str | None = option(
        None,
        "take the names in a file too, a line each, or ended by zero bytes as of find -print0; - "
        "is stdin",
        check=_path,
        metavar="FILE",
    )
    on_damaged: OnDamaged = option(
        OnDamaged.KEEP,
        "what becomes of a picture whose decoder reports damage: keep takes its features and names "
        "it, fail takes none",
        check=member_of(OnDamaged),
        metavar="DO",
    )
