"""Reads an old-style PyTorch `.pth` file of tensors, without PyTorch and without unpickling it.

`torch.save` wrote this layout before 1.6, and does so still with
`_use_new_zipfile_serialization=False`. The file begins with five pickles: a magic number, the
version of the protocol, facts about the machine, the object, and the keys of the storages. For each
key follow an int64 count and so many raw elements. A tensor is an offset, sizes and strides on a
storage. All numbers are checked against the length of the file before an array is made.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Final, TypeGuard

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from edgefeat_export.errors import BackboneError
from edgefeat_export.networks.inert_pickle import Call, Global, PersistentId, read_inert_pickle

__all__ = ["read_torch_pickle"]

_MAGIC: Final = 0x1950A86A20F9469CFC6C
_PROTOCOL: Final = 1001
_REBUILD: Final = "torch._utils._rebuild_tensor_v2"
_DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "torch.DoubleStorage": np.dtype("<f8"),
    "torch.FloatStorage": np.dtype("<f4"),
    "torch.HalfStorage": np.dtype("<f2"),
    "torch.LongStorage": np.dtype("<i8"),
    "torch.IntStorage": np.dtype("<i4"),
    "torch.ShortStorage": np.dtype("<i2"),
    "torch.CharStorage": np.dtype("i1"),
    "torch.ByteStorage": np.dtype("u1"),
    "torch.BoolStorage": np.dtype("?"),
}
_ALLOWED: Final = frozenset({_REBUILD, *_DTYPES})
_NOTHING: Final[frozenset[str]] = frozenset()
_MAX_AXES: Final = 32  # what every supported NumPy can hold
_MAX_EMPTY_PLACES: Final = 2**31  # product of the sizes that are not 0; NumPy refuses larger ones
_DAMAGED: Final = "The file is damaged: fetch it again."
_RESAVE: Final = "Save a plain state_dict of tensors."


@dataclass(frozen=True, slots=True)
class _Storage:
    """A run of elements of one type, as the pickle declares it.

    Attributes:
        key: Name of the storage in the list of storage keys.
        dtype: Type of each element.
        count: How many elements it has.
    """

    key: str
    dtype: np.dtype[Any]
    count: int


@dataclass(frozen=True, slots=True)
class _Tensor:
    """One named tensor: a strided window on a storage. All numbers count elements.

    Attributes:
        name: The tensor's name in the state_dict.
        storage: The storage that it is a window on.
        offset: Place of its first element in the storage.
        size: Shape of the tensor.
        stride: Steps in the storage between neighbours along each axis.
    """

    name: str
    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


def read_torch_pickle(path: Path) -> dict[str, NDArray[Any]]:
    """Read every tensor of a legacy PyTorch state_dict.

    Args:
        path: The `.pth` file.

    Returns:
        Arrays of any type by name, in the order of the file. They are read-only windows on the
        file's bytes, so tensors that share storage cost nothing. Copy an array to write to it.

    Raises:
        BackboneError: The file is missing, damaged, not a legacy PyTorch file of tensors, or asks
            for code to run.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BackboneError(
            f"expected a PyTorch weights file, got {error.strerror}",
            where=path,
            remedy="Check the path of the weights.",
        ) from error
    stream = io.BytesIO(data)
    _check_header(stream, path)
    tensors = _tensors(read_inert_pickle(stream, allowed=_ALLOWED, where=f"{path} (object)"), path)
    keys = read_inert_pickle(stream, allowed=_NOTHING, where=f"{path} (storage keys)")
    storages = _storages(tensors, keys, path)
    raw = _raw_storages(data, stream.tell(), storages, path)
    return {tensor.name: _window(tensor, raw[tensor.storage.key], path) for tensor in tensors}


def _check_header(stream: io.BytesIO, path: Path) -> None:
    if stream.getvalue()[:2] == b"PK":
        raise BackboneError(
            "expected a legacy PyTorch file, got a zip archive",
            where=path,
            remedy="Save it again with torch.save(..., _use_new_zipfile_serialization=False).",
        )
    magic = read_inert_pickle(stream, allowed=_NOTHING, where=f"{path} (magic number)")
    _check(magic == _MAGIC, path, f"magic number {_MAGIC:#x}", _shown(magic), _RESAVE)
    protocol = read_inert_pickle(stream, allowed=_NOTHING, where=f"{path} (protocol)")
    _check(protocol == _PROTOCOL, path, f"protocol {_PROTOCOL}", _shown(protocol), _RESAVE)
    machine = read_inert_pickle(stream, allowed=_NOTHING, where=f"{path} (machine)")
    order = machine.get("little_endian") if isinstance(machine, dict) else None
    _check(order is True, path, "little_endian True", _shown(order), _RESAVE)


def _tensors(saved: object, path: Path) -> list[_Tensor]:
    if not isinstance(saved, dict) or not saved:
        raise _error(path, "a mapping of names to tensors", _kind(saved), _RESAVE)
    return [_tensor(name, value, path) for name, value in saved.items()]


def _tensor(name: str, value: object, path: Path) -> _Tensor:
    if not isinstance(value, Call) or value.name != _REBUILD:
        raise _error(path, f"{_quoted(name)} to be a tensor", _kind(value), _RESAVE)
    if len(value.arguments) not in (6, 7):
        raise _error(
            path, f"6 or 7 values for {_quoted(name)}", str(len(value.arguments)), _DAMAGED
        )
    reference, offset, size, stride = value.arguments[:4]
    storage = _storage(name, reference, path)
    size, stride = _counts(size), _counts(stride)
    if not _is_count(offset) or size is None or stride is None or len(size) != len(stride):
        raise _error(path, f"offset, size and stride of {_quoted(name)}", "other values", _DAMAGED)
    return _Tensor(name, storage, offset, size, stride)


def _storage(name: str, reference: object, path: Path) -> _Storage:
    match reference:
        case PersistentId(("storage", Global(kind), str(key), str(), count, None)):
            dtype = _DTYPES.get(kind)
            if dtype is not None and _is_count(count):
                return _Storage(key, dtype, count)
    raise _error(path, f"a storage behind {_quoted(name)}", "something else", _RESAVE)


def _storages(tensors: list[_Tensor], keys: object, path: Path) -> list[_Storage]:
    """Bring the declared storages into the order of the file's key list."""
    declared: dict[str, _Storage] = {}
    for tensor in tensors:
        storage = declared.setdefault(tensor.storage.key, tensor.storage)
        _check(
            storage == tensor.storage,
            path,
            f"one kind of storage {_quoted(storage.key)}",
            "two",
            _DAMAGED,
        )
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise _error(path, "a list of storage keys", _kind(keys), _DAMAGED)
    if sorted(keys) != sorted(declared):
        raise _error(path, f"{len(declared)} storage keys", f"{len(keys)} or other ones", _DAMAGED)
    return [declared[key] for key in keys]


def _raw_storages(
    data: bytes, position: int, storages: list[_Storage], path: Path
) -> dict[str, NDArray[Any]]:
    raw = {}
    for storage in storages:
        end = position + 8 + storage.count * storage.dtype.itemsize
        if end > len(data):
            raise _error(
                path, f"{end} bytes up to storage {_quoted(storage.key)}", f"{len(data)}", _DAMAGED
            )
        count = int.from_bytes(data[position : position + 8], "little", signed=True)
        if count != storage.count:
            where = f"storage {_quoted(storage.key)}"
            raise _error(path, f"{storage.count} elements in {where}", str(count), _DAMAGED)
        raw[storage.key] = np.frombuffer(data, storage.dtype, storage.count, position + 8)
        position = end
    _check(position == len(data), path, f"{position} bytes", str(len(data)), _DAMAGED)
    return raw


def _window(tensor: _Tensor, raw: NDArray[Any], path: Path) -> NDArray[Any]:
    steps = zip(tensor.size, tensor.stride, strict=True)
    last = tensor.offset + sum((size - 1) * stride for size, stride in steps)
    elements = prod(tensor.size)
    # With stride 0 a small file could describe an endless array. No tensor may have more elements
    # than its storage.
    if elements > raw.size or (elements and last >= raw.size):
        inside = f"{_quoted(tensor.name)} inside its {raw.size} stored elements"
        raise _error(path, inside, f"{elements} elements up to index {last}", _DAMAGED)
    if not elements:
        places = prod(filter(None, tensor.size))
        small = f"sizes of {_quoted(tensor.name)} whose product is below {_MAX_EMPTY_PLACES}"
        _check(places < _MAX_EMPTY_PLACES, path, small, str(places), _DAMAGED)
        return np.zeros(tensor.size, raw.dtype)
    # Along an axis of one element the stride is never used, and the file may hold any number.
    steps = zip(tensor.size, tensor.stride, strict=True)
    strides = tuple(stride * raw.itemsize if size > 1 else 0 for size, stride in steps)
    return as_strided(raw[tensor.offset :], tensor.size, strides, writeable=False)


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < 2**63


def _counts(value: object) -> tuple[int, ...] | None:
    if isinstance(value, tuple) and len(value) <= _MAX_AXES and all(map(_is_count, value)):
        return value
    return None


def _quoted(name: str) -> str:
    return repr(name[:100])  # from the file: no control characters, no endless lines


def _kind(value: object) -> str:
    return f"a {type(value).__name__}"


def _shown(value: object) -> str:
    # Small scalars as they are, anything else by its type: hostile data is never printed.
    return str(value) if isinstance(value, int | None) else _kind(value)


def _check(condition: bool, path: Path, expected: str, got: str, remedy: str) -> None:
    if not condition:
        raise _error(path, expected, got, remedy)


def _error(path: Path, expected: str, got: str, remedy: str) -> BackboneError:
    return BackboneError(f"expected {expected}, got {got}", where=path, remedy=remedy)
