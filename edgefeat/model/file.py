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
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from edgefeat.errors import ModelError, OptionError
from edgefeat.model.parsing import parse_spec
from edgefeat.model.protobuf import FieldSpan, fields
from edgefeat.model.spec import METADATA_KEY, ModelSpec
from edgefeat.record import Record

if TYPE_CHECKING:
    from pathlib import Path

    from edgefeat.model.signature import SignedBy

__all__ = ["KEY_VARIABLE", "ModelFile", "content_sha256", "read_model_file"]

KEY_VARIABLE = "EDGEFEAT_VERIFY_KEY"
"""The environment's key: every model file that this process opens must be signed with it."""

_GRAPH, _METADATA = 7, 14  # fields of ModelProto
_KEY, _VALUE = 1, 2  # fields of its metadata entries
# A tensor kept outside the file carries an `external_data` entry with the key "location". In a
# file of ours nothing else is a field 1 holding exactly that word.
_EXTERNAL_DATA_MARK = b"\x0a\x08location"
# What a full check holds a file to. Another word makes files new that were checked before.
_RULE = "operators 1"
_GIVEN_AS_BYTES = "model given as bytes"
_KERAS_ENDINGS = (".keras", ".h5", ".hdf5")


class ModelFile(Record):
    """A model file whose spec has been read and whose content matches its fingerprint.

    Args:
        path: Place of the file.
        size_bytes: Length of the file.
        spec: What the file says about itself.
        identity: Names this very file: the beginning of its fingerprint, and a checksum over its
            spec, its size and the time it was written.
        was_checked: Whether its content was held to its fingerprint and its operators to the list
            just now. If not, that happens before the engine gets the file (`for_engine`).
        any_operator: Whether operators may stand in it that edgefeat-export does not write.
        content: The file itself, where it was given as bytes or its signature was checked; None
            where it is read from its path.
        signed: Who signed it, where that was checked.
    """

    path: str
    size_bytes: int
    spec: ModelSpec
    identity: str
    was_checked: bool
    any_operator: bool
    content: bytes | None = None
    signed: SignedBy | None = None

    @property
    def content_sha256(self) -> str:
        """The hash of graph and weights, read from the file once more."""
        with _opened(self.path if self.content is None else self.content) as data:
            return _checked_digest(data, _fields(data, self.path), self.path, self.spec)

    def for_engine(self) -> str | bytes:
        """Return what ONNX Runtime opens: the path; or the bytes, where they were given or signed,
        or lie inside an archive.

        Raises:
            ModelError: Its content was not checked before, and is not what it should be.
        """
        if not self.was_checked:
            with _opened(self.path if self.content is None else self.content) as data:
                _check(data, _fields(data, self.path), self)
        if self.content is not None:
            return self.content
        if os.path.isfile(self.path):
            return self.path
        with _opened(self.path) as data:
            return bytes(data)


def read_model_file(
    model: str | Path | bytes,
    *,
    is_known: Callable[[str], bool] | None = None,
    any_operator: bool = False,
    verify_key: str | None = None,
    signature: str | bytes | None = None,
) -> ModelFile:
    """Read and check a model file's spec.

    Args:
        model: The file's path, which may be inside the archive that edgefeat was imported from;
            or its bytes, as an engine ships them.
        is_known: Whether a file of this identity has passed the full check here before. Then
            graph and weights are not read again: on a memory card that takes longer than a start.
        any_operator: Whether the user trusts operators that edgefeat-export does not write.
        verify_key: The key that must have signed the file; see `edgefeat.model.signature`. None
            takes the environment's, if it has one.
        signature: The signature, or its file; None takes the one beside the file.

    Raises:
        SignatureError: It is not signed with the key.
        OptionError: The key cannot be read, or a signature is given without a key.
        DependencyError: The package that checks signatures is missing.
        ModelError: Missing, empty, not ONNX, without the metadata key, of an unknown version,
            with weights outside the file, with operators that are not on the list, or changed since
            it was stamped.
    """
    content = model if isinstance(model, bytes) else None
    where = _GIVEN_AS_BYTES if isinstance(model, bytes) else os.fspath(model)
    signed = None
    if verify_key is not None or KEY_VARIABLE in os.environ:
        from edgefeat.model.signature import check_signature  # few starts demand one

        has_path, variable = content is None, KEY_VARIABLE if verify_key is None else None
        key = os.environ[KEY_VARIABLE] if verify_key is None else verify_key
        with _opened(where if content is None else content) as data:
            content = bytes(data)
        signed = check_signature(
            content, where, key, signature, has_path=has_path, variable=variable
        )
    elif signature is not None:
        raise OptionError("has no effect without a key to check it with", option="signature")
    with _opened(where if content is None else content) as data:
        found = _fields(data, where)
        if not any(number == _GRAPH for number, *_ in found):
            raise _no_model("not an ONNX model: it holds no graph", where)
        text = _metadata_text(data, found, where)
        if text is None:
            raise _no_model(
                "an ONNX model, but not one made for edgefeat: it has no metadata key "
                f"{METADATA_KEY!r}",
                where,
            )
        spec = parse_spec(text, where=where)
        rule = f"{_RULE} {any_operator}"
        # What is kept of an unsigned file is never taken for a signed one: all its bytes count.
        seal = spec.fingerprint[:16] if signed is None else signed.digest
        written_ns = _written_ns(where) if content is None else 0
        identity = _identity(seal, f"{rule} {text}", len(data), written_ns)
        file = ModelFile(
            path=where,
            size_bytes=len(data),
            spec=spec,
            identity=identity,
            was_checked=is_known is None or not is_known(identity),
            any_operator=any_operator,
            content=content,
            signed=signed,
        )
        if file.was_checked:
            _check(data, found, file)
        return file


def content_sha256(data: bytes) -> str:
    """Return the hash of a serialized model's graph and weights, whatever its metadata."""
    return _digest(data, _fields(data, "<bytes>"))


def _no_model(problem: str, where: str, *, first: str = "") -> ModelError:
    """Return the error of a file that edgefeat-export did not make.

    Args:
        problem: What is there instead.
        where: The file.
        first: A sentence to put before the remedy, with a blank after it.
    """
    source = where if where.endswith(_KERAS_ENDINGS) else "NAME"
    return ModelError(
        problem,
        where=where,
        remedy=f"{first}Make one with `edgefeat-export build {source}` (package edgefeat-export, "
        "on a workstation).",
    )


@contextmanager
def _opened(path: str | bytes) -> Iterator[bytes | mmap.mmap]:
    """Give a file's bytes, mapped read-only, so that hashing never copies them into memory."""
    if isinstance(path, bytes):
        if not path:
            raise _no_model("no bytes, expected an ONNX model", _GIVEN_AS_BYTES)
        yield path
        return
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise _no_model("empty file, expected an ONNX model", path)
            view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (FileNotFoundError, NotADirectoryError) as error:  # the latter: inside an archive
        from edgefeat.model.archive import read_archived

        archived = read_archived(path)
        if archived is None:
            raise _no_model("no such file", path, first="Check the path. ") from error
        yield archived
        return
    except OSError as error:
        raise ModelError(
            f"cannot be read: {error.strerror}",
            where=path,
            remedy="Name a model file that you may read.",
        ) from error
    with view:
        yield view


def _fields(data: bytes | mmap.mmap, where: str) -> list[FieldSpan]:
    """Return the top level of a model."""
    try:
        return list(fields(data))
    except ModelError as error:
        raise _no_model(error.problem, where) from error


def _written_ns(path: str) -> int:
    """Return when a file was written; for one inside an archive or a program, when that was."""
    if not hasattr(sys, "frozen"):
        with suppress(OSError):  # it is inside an archive
            return os.stat(path).st_mtime_ns
    from edgefeat.model.archive import written_ns

    return written_ns(path)


def _identity(seal: str, text: str, size_bytes: int, written_ns: int) -> str:
    checksum = zlib.crc32(f"{text} {size_bytes} {written_ns}".encode())
    return f"{seal}-{checksum:08x}"


def _metadata_text(data: bytes | mmap.mmap, found: list[FieldSpan], where: str) -> str | None:
    for number, _, start, end in found:
        if number != _METADATA:
            continue
        entry = data[start:end]
        parts = {n: entry[s:e] for n, _, s, e in _fields(entry, where)}
        if parts.get(_KEY) == METADATA_KEY.encode():
            try:
                return parts.get(_VALUE, b"").decode()
            except UnicodeDecodeError as error:
                raise ModelError(
                    "not UTF-8", where=f"metadata {METADATA_KEY!r}", remedy="Export it again."
                ).within(where) from error
    return None


def _check(data: bytes | mmap.mmap, found: list[FieldSpan], file: ModelFile) -> None:
    """Check a file in full: all inside, as it was stamped, and only operators on the list."""
    _checked_digest(data, found, file.path, file.spec)
    from edgefeat.model.soundness import require_sound  # a model in the cache was checked before

    try:
        require_sound(data, found, any_operator=file.any_operator)
    except ModelError as error:
        raise error.within(file.path) from None


def _checked_digest(
    data: bytes | mmap.mmap, found: list[FieldSpan], where: str, spec: ModelSpec
) -> str:
    """Return the hash of graph and weights, if all is inside the file and as it was stamped."""
    if data.find(_EXTERNAL_DATA_MARK) >= 0:
        raise ModelError(
            "refers to weights outside the file, which edgefeat never loads",
            where=where,
            remedy="Export it again with `edgefeat-export build`, which keeps all weights inside.",
        )
    from edgefeat.model.fingerprint import fingerprint  # a model in the cache was checked before

    digest = _digest(data, found)
    if fingerprint(digest, spec.sealed_input, spec.outputs, frame=spec.frame) != spec.fingerprint:
        raise ModelError(
            "damaged or edited: its content no longer matches the fingerprint "
            f"{spec.fingerprint[:12]}... that it was stamped with",
            where=where,
            remedy="Copy or export it again.",
        )
    return digest


def _digest(data: bytes | mmap.mmap, found: list[FieldSpan]) -> str:
    import hashlib

    digest = hashlib.sha256()
    with memoryview(data) as window:
        for number, start, _, end in found:
            if number != _METADATA:
                with window[start:end] as part:
                    digest.update(part)
    return digest.hexdigest()
