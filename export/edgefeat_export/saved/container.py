"""What kind of file a saved model is, by its first bytes: its name may say anything.

`.keras` meant HDF5 before TensorFlow 2.12 and a zip archive since; people rename files, and write
suffixes in capitals or not at all.
"""

from __future__ import annotations

import stat
from enum import Enum
from pathlib import Path
from typing import Final

from edgefeat_export.errors import BackboneError

__all__ = ["Container", "container_of"]

_MOST_BYTES: Final = 4 << 30
_HEAD: Final = 16  # bytes that tell all kinds apart
# Beginnings of files that people take for Keras models, and what to do with each.
_OTHERS: Final = (
    (
        0,
        b"\x80",
        "a pickle, which runs code when it is opened",
        "Save the model in Keras's format.",
    ),
    (4, b"TFL3", "a model of TensorFlow Lite", "Give the Keras model that it was made from."),
    (0, b"\x1f\x8b", "a compressed archive", "Unpack it and give the model inside."),
    (0, b"\xff\xd8\xff", "a picture", "Give a model."),
    (
        0,
        b"{",
        "JSON, an architecture without weights",
        "Load it in Keras and save the whole model.",
    ),
)


class Container(Enum):
    """How the parts of a saved model are kept together."""

    ZIP = "zip"
    HDF5 = "HDF5"


_BEGINNINGS: Final = {b"PK\x03\x04": Container.ZIP, b"\x89HDF\r\n\x1a\n": Container.HDF5}


def container_of(path: Path) -> Container:
    """Return how a file is built.

    Raises:
        BackboneError: There is no such file, it is no file, too large, or of another kind.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise BackboneError(
                "expected a file, got a pipe or a device", where=path, remedy="Give a model's file."
            )
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except FileNotFoundError as error:
        raise BackboneError(
            "no such file", where=path, remedy="Check the path of the model."
        ) from error
    except OSError as error:
        raise BackboneError(
            f"cannot be read: {error.strerror}", where=path, remedy="Give a file that you may read."
        ) from error
    if found.st_size > _MOST_BYTES:
        raise BackboneError(
            f"expected at most {_MOST_BYTES >> 30} GB, got {found.st_size / 2**30:.1f} GB",
            where=path,
            remedy="Save the model without its optimizer, or a smaller one.",
        )
    for beginning, container in _BEGINNINGS.items():
        if head.startswith(beginning):
            return container
    raise _of_another_kind(path, head)


def _of_another_kind(path: Path, head: bytes) -> BackboneError:
    known = ((what, remedy) for at, mark, what, remedy in _OTHERS if head[at:].startswith(mark))
    begins = f"one that begins with {head!r}" if head else "an empty one"
    other = f"{begins}: damaged or of another kind", "Save the model again with model.save()."
    what, remedy = next(known, other)
    return BackboneError(
        f"expected a file that Keras saved (a zip archive or HDF5), got {what}",
        where=path,
        remedy=remedy,
    )
