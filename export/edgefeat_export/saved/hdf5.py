"""Checks an HDF5 file before anybody reads a number in it: all of it must be inside the file.

HDF5 can keep a dataset's numbers in another file, by external storage, a virtual dataset or a link,
and Keras would read that file's bytes as weights. A dataset can also claim terabytes that the file
does not hold. Keras has checks of its own in some versions; these hold for all of them.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

import h5py

from edgefeat_export.errors import BackboneError

__all__ = ["require_inside"]

_MOST_EXPANDED: Final = 8  # times what is stored, for compressed numbers
_MOST_UNSTORED: Final = 64 << 20  # bytes on top: a fresh optimizer's zeros, small datasets
_MOST_OBJECTS: Final = 200_000
_FILTERS: Final = frozenset({1, 2, 3, 32000})  # deflate, shuffle, checksum, LZF: all in h5py itself


def require_inside(file: h5py.File, path: Path) -> int:
    """Refuse an HDF5 file that takes anything from outside, or unfolds into much more than it is.

    Args:
        file: The open file.
        path: The model file, for messages.

    Returns:
        How many bytes all its datasets together have.

    Raises:
        BackboneError: It is such a file.
    """
    total, stored = 0, 0
    seen = set[int]()
    waiting = [file["/"]]
    while waiting:
        group = waiting.pop()
        for name in group:
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise _outside(path, f"{group.name}/{name}", "a link")
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                continue
            seen.add(address)
            if len(seen) > _MOST_OBJECTS:
                raise _too_large(path, f"more than {_MOST_OBJECTS:,} groups and datasets")
            if isinstance(item, h5py.Group):
                waiting.append(item)
            elif isinstance(item, h5py.Dataset):
                _require_plain(item, path)
                total += _declared(item)
                stored += item.id.get_storage_size()
    if total > _MOST_EXPANDED * stored + _MOST_UNSTORED:
        raise _too_large(path, f"{total / 1e6:,.0f} MB of numbers in {stored / 1e6:,.1f} MB")
    return total


def _require_plain(dataset: Any, path: Path) -> None:
    if dataset.external:
        raise _outside(path, dataset.name, f"the file {dataset.external[0][0]!r}")
    if dataset.is_virtual:
        raise _outside(path, dataset.name, "other datasets")
    made = dataset.id.get_create_plist()
    used = {made.get_filter(index)[0] for index in range(made.get_nfilters())}
    if used - _FILTERS:
        raise _outside(path, dataset.name, f"a filter that must be loaded ({min(used - _FILTERS)})")


def _declared(dataset: Any) -> int:
    return math.prod(dataset.shape or ()) * int(dataset.dtype.itemsize)


def _outside(path: Path, name: str, source: str) -> BackboneError:
    return BackboneError(
        f"its data {name!r} come from {source}: a model file must hold all its numbers itself",
        where=path,
        remedy="Load it where it was made and save it again.",
    )


def _too_large(path: Path, what: str) -> BackboneError:
    return BackboneError(
        f"expected a network's weights, got {what}", where=path, remedy="Save the model again."
    )
