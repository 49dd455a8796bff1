"""Reads metadata and content hash straight from a model file, without ONNX or ONNX Runtime.

An `.onnx` file is one protobuf message (`ModelProto` in onnx.proto3). Only its top level is
walked: field 7 is the graph, field 14 the metadata entries. So `edgefeat info` needs no inference
engine, and the hash covers graph and weights but not the spec that carries it. Standard library
only, and as little of it as can be: OpenSSL behind `hashlib` and `pathlib` are loaded where needed,
for together they would cost every start 10 ms.
"""

from __future__ import annotations

import mmap
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from edgefeat.errors import ModelError
from edgefeat.model.spec import METADATA_KEY, ModelSpec, fingerprint, parse_spec

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ModelFile", "content_sha256", "read_model_file"]

_GRAPH, _METADATA = 7, 14
_VARINT, _I64, _LEN, _I32 = 0, 1, 2, 5
# A tensor kept outside the file carries an `external_data` entry with the key "location". In a
# file of ours nothing else is a field 1 holding exactly that word.
_EXTERNAL_DATA_MARK = b"\x0a\x08location"


class ModelFile(NamedTuple):
    """A model file whose spec has been read and whose content matches its fingerprint.

    `identity` names this very file: its fingerprint's beginning, and a checksum over its spec, its
    size and the time it was written.
    """

    path: str
    size_bytes: int
    spec: ModelSpec
    identity: str

    @property
    def content_sha256(self) -> str:
        """The hash of graph and weights, read from the file once more."""
        with _mapped(self.path) as view:
            return _checked_digest(view, list(_top_level(view, self.path)), self.path, self.spec)


def read_model_file(
    path: str | Path, *, is_known: Callable[[str], bool] | None = None
) -> ModelFile:
    """Read and check a model file's spec.

    Args:
        path: The file.
        is_known: Whether a file of this identity has passed the full check here before. Then
            graph and weights are not read again: on a memory card that takes longer than a start.

    Raises:
        ModelError: Missing, empty, not ONNX, without the metadata key, of an unknown version,
            with weights outside the file, or changed since it was stamped.
    """
    where = os.fspath(path)
    with _mapped(where) as view:
        fields = list(_top_level(view, where))
        if not any(number == _GRAPH for number, *_ in fields):
            raise ModelError(f"{where}: not an ONNX model: it holds no graph. {_HINT}")
        text = _metadata_text(view, fields, where)
        if text is None:
            raise ModelError(
                f"{where}: an ONNX model, but not one made for edgefeat: it has no metadata key "
                f"{METADATA_KEY!r}. {_HINT}"
            )
        spec = parse_spec(text, where=where)
        identity = _identity(spec.fingerprint, text, os.stat(where))
        if is_known is None or not is_known(identity):
            _checked_digest(view, fields, where, spec)
        return ModelFile(path=where, size_bytes=len(view), spec=spec, identity=identity)


def content_sha256(data: bytes) -> str:
    """Return the hash of a serialized model's graph and weights, whatever its metadata."""
    return _digest(data, list(_top_level(data, "<bytes>")))


_HINT = "Make one with `edgefeat-export build NAME` (package edgefeat-export, on a workstation)."
_Field = tuple[int, int, int, int]  # number, start of tag, start of value, end of value


@contextmanager
def _mapped(path: str) -> Iterator[mmap.mmap]:
    """Map a file read-only, so that hashing never copies it into memory."""
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise ModelError(f"{path}: empty file, expected an ONNX model. {_HINT}")
            view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such file. Check the path. {_HINT}") from error
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}.") from error
    with view:
        yield view


def _top_level(view: bytes | mmap.mmap, path: str) -> Iterator[_Field]:
    position, end = 0, len(view)
    while position < end:
        start = position
        try:
            key, position = _varint(view, position)
            number, wire = key >> 3, key & 7
            if wire == _LEN:
                length, position = _varint(view, position)
            elif wire == _VARINT:
                _, after = _varint(view, position)
                length = after - position
            else:
                length = {_I64: 8, _I32: 4}[wire]
        except (IndexError, KeyError) as error:
            raise ModelError(f"{path}: not an ONNX model (byte {start}). {_HINT}") from error
        if number == 0 or position + length > end:
            raise ModelError(
                f"{path}: not an ONNX model, or a truncated one (byte {start} of {end}). {_HINT}"
            )
        yield number, start, position, position + length
        position += length


def _varint(view: bytes | mmap.mmap, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = view[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise IndexError("varint longer than ten bytes")


def _identity(seal: str, text: str, found: os.stat_result) -> str:
    checksum = zlib.crc32(f"{text} {found.st_size} {found.st_mtime_ns}".encode())
    return f"{seal[:16]}-{checksum:08x}"


def _metadata_text(view: bytes | mmap.mmap, fields: list[_Field], path: str) -> str | None:
    for number, _, start, end in fields:
        if number != _METADATA:
            continue
        entry = view[start:end]
        parts = {n: entry[s:e] for n, _, s, e in _top_level(entry, path)}
        if parts.get(1) == METADATA_KEY.encode():
            try:
                return parts.get(2, b"").decode()
            except UnicodeDecodeError as error:
                raise ModelError(f"{path}: metadata {METADATA_KEY!r} is not UTF-8.") from error
    return None


def _checked_digest(view: mmap.mmap, fields: list[_Field], path: str, spec: ModelSpec) -> str:
    """Return the hash of graph and weights, if all is inside the file and as it was stamped."""
    if view.find(_EXTERNAL_DATA_MARK) >= 0:
        raise ModelError(
            f"{path}: refers to weights outside the file, which edgefeat never loads. "
            "Export it again with `edgefeat-export build`, which keeps all weights inside."
        )
    digest = _digest(view, fields)
    if fingerprint(digest, spec.input, spec.outputs) != spec.fingerprint:
        raise ModelError(
            f"{path}: damaged or edited: its content no longer matches the fingerprint "
            f"{spec.fingerprint[:12]}... that it was stamped with. Copy or export it again."
        )
    return digest


def _digest(view: bytes | mmap.mmap, fields: list[_Field]) -> str:
    import hashlib

    digest = hashlib.sha256()
    with memoryview(view) as window:
        for number, start, _, end in fields:
            if number != _METADATA:
                with window[start:end] as part:
                    digest.update(part)
    return digest.hexdigest()
