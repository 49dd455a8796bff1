"""What commands say of files that they did not take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgefeat.cli.record_lines import printable
from edgefeat.messages.counts import counted

if TYPE_CHECKING:
    from edgefeat.corpus.summary import NotTaken

__all__ = ["not_taken_line"]


def not_taken_line(one: NotTaken) -> str:
    """Return a sentence on the files of one kind, and what the user can do."""
    said = "pictures that are not read" if one.pictures else "no pictures"
    if one.count == 1:
        said = "a picture that is not read" if one.pictures else "no picture"
    example = printable(one.example)
    files = counted(one.count, "file")
    return f"{files} not taken: {one.kind}, {said}, such as {example}. {one.remedy}".rstrip()
