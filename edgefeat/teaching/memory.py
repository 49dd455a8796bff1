"""What a taught file remembers: the features of what it was shown, so that more can be added.

The features stand in a metadata entry, to the bit, packed: features of an int8 model are multiples
of one step, so a table of their few different numbers and small indices into it hold them. Photos
and their names are not kept. What comes back is what was put in, so a class added later gives the
same head as all classes at once.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import ModelError

__all__ = ["MEMORY_KEY", "Shown", "forgotten", "recalled", "remembered"]

MEMORY_KEY = "edgefeat.taught"
_VERSION = 1
_LARGEST_TABLE = 65536
_REMEDY = "Teach anew from all pictures."


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What was shown, in one order, whatever the order in which it came.

    Attributes:
        features: float32 `(N, D)`.
        labels: The class of each, int64 `(N,)`; None where there are no classes.
        classes: Names of the classes, sorted.
        values: The number of each, float64 `(N,)`; None where there are none.
        order: Where each row stood among those given, int64 `(N,)`; -1 for those that the file had.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.int64] | None
    classes: tuple[str, ...]
    values: NDArray[np.float64] | None
    order: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.features)


def remembered(shown: Shown) -> str:
    """Return the text of the metadata entry."""
    document: dict[str, Any] = {"version": _VERSION, "dim": shown.features.shape[1]}
    table, codes = np.unique(shown.features, return_inverse=True)
    if len(table) <= _LARGEST_TABLE:
        small = codes.reshape(shown.features.shape).astype("<u2")
        document |= {"table": _packed(table.astype("<f4")), "codes": _packed(small)}
    else:
        document["features"] = _packed(shown.features.astype("<f4"))
    if shown.labels is not None:
        document |= {"classes": list(shown.classes), "labels": _packed(shown.labels.astype("<i4"))}
    if shown.values is not None:
        document["values"] = _packed(shown.values.astype("<f8"))
    document["sha256"] = _digest(document)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def recalled(text: str | None, *, where: str) -> Shown:
    """Return what a file was shown.

    Args:
        text: The metadata entry; None if there is none.
        where: The file's name, for messages.

    Raises:
        ModelError: The file keeps nothing, is damaged, or is of a later edgefeat.
    """
    if text is None:
        raise forgotten(where)
    try:
        document = json.loads(text)
        version = document.get("version")
        if version != _VERSION:
            raise ModelError(
                f"what it was taught is kept in version {version}, this edgefeat knows {_VERSION}",
                where=where,
                remedy="Use a newer edgefeat, or teach anew from all pictures.",
            )
        if document.pop("sha256", None) != _digest(document):
            raise ModelError("what it was taught is damaged", where=where, remedy=_REMEDY)
        return _unpacked_all(document)
    except (ValueError, KeyError, AttributeError, TypeError, zlib.error, binascii.Error) as error:
        raise ModelError("what it was taught is damaged", where=where, remedy=_REMEDY) from error


def forgotten(where: str) -> ModelError:
    """Return the error of a file to which nothing can be added.

    Args:
        where: The file.
    """
    return ModelError(
        "does not keep what it was taught, so nothing can be added",
        where=where,
        remedy="Teach anew from all pictures, and let the file keep their features.",
    )


def _unpacked_all(document: dict[str, Any]) -> Shown:
    dim = document["dim"]
    if "codes" in document:
        table = _unpacked(document["table"], "<f4")
        features = table[_unpacked(document["codes"], "<u2")].reshape(-1, dim)
    else:
        features = _unpacked(document["features"], "<f4").reshape(-1, dim)
    labels = _unpacked(document["labels"], "<i4") if "labels" in document else None
    return Shown(
        features=features.astype(np.float32, copy=False),
        labels=None if labels is None else labels.astype(np.int64),
        classes=tuple(document.get("classes", ())),
        values=_unpacked(document["values"], "<f8") if "values" in document else None,
        order=np.full(len(features), -1, np.int64),
    )


def _digest(document: dict[str, Any]) -> str:
    canonical = json.dumps(document, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _packed(array: NDArray[Any]) -> str:
    return base64.b64encode(zlib.compress(array.tobytes(), 6)).decode()


def _unpacked(text: str, dtype: str) -> NDArray[Any]:
    return np.frombuffer(zlib.decompress(base64.b64decode(text, validate=True)), dtype)
