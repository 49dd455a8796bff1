"""Where the records of a stream go: JSON lines, NumPy shards, or a function.

A stream has no end to wait for, so what is written is whole at every moment: a line is one write,
a shard appears by one rename. Opening the same place again goes on with the numbering, after
checking that the model is the same.
"""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from edgefeat.errors import SinkError
from edgefeat.streaming.result import StreamResult

__all__ = [
    "CallbackSink",
    "Encoding",
    "JsonLinesSink",
    "NpyShardSink",
    "StreamSink",
]

_TAIL_BYTES = 1 << 20


class StreamSink(Protocol):
    """Takes records in order, from any number of streams of one model."""

    def write(self, result: StreamResult) -> None:
        """Take one record.

        Raises:
            SinkError: It cannot be written, or is of another model.
        """

    def close(self) -> None:
        """Write out what is held back; closing twice is fine."""


class Encoding(StrEnum):
    """How features stand in a JSON line."""

    LIST = "list"  # numbers that read back as the same float32
    BASE64_F16 = "base64-f16"  # little-endian float16, an eighth of the size


class CallbackSink:
    """Hands each record to a function, such as a list's `append` or a queue's `put`."""

    def __init__(self, take: Callable[[StreamResult], object]) -> None:
        self._take = take

    def write(self, result: StreamResult) -> None:
        """Call the function."""
        self._take(result)

    def close(self) -> None:
        """Do nothing."""


class JsonLinesSink:
    """One JSON object a line, each written whole; for files, pipes and terminals.

    Args:
        target: A file to add to, or the descriptor of an open one, such as 1 for stdout.
        encoding: How features are written.
    """

    def __init__(self, target: Path | int, *, encoding: Encoding = Encoding.LIST) -> None:
        self._encoding = encoding
        self._where = str(target) if isinstance(target, Path) else f"descriptor {target}"
        self._fingerprint: str | None = None
        self._sequence = 0
        self._descriptor: int | None
        if isinstance(target, int):
            self._descriptor, self._owned = target, False
        else:
            self._descriptor, self._owned = _opened(target), True
            regular = _is_regular(self._descriptor)
            last = _last_line(self._descriptor, self._where) if regular else None
            if last is not None:
                self._sequence, self._fingerprint = last["seq"] + 1, last["fingerprint"]

    def write(self, result: StreamResult) -> None:
        """Write one line.

        Raises:
            SinkError: It cannot be written, or the file holds another model's features.
        """
        if self._descriptor is None:
            raise SinkError(f"{self._where}: the sink was closed. Make a new one.")
        self._fingerprint = _same_model(self._fingerprint, result, self._where)
        line = json.dumps(_meta(result, self._sequence) | self._features(result)) + "\n"
        _write_all(self._descriptor, line.encode(), self._where)
        self._sequence += 1

    def close(self) -> None:
        """Put the file safely on its disk and close it, if it was opened here."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None or not self._owned:
            return
        try:
            if _is_regular(descriptor):
                with _Explained(self._where):
                    os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _features(self, result: StreamResult) -> dict[str, Any]:
        if self._encoding is Encoding.LIST:
            return {"features": [float(str(number)) for number in result.features.reshape(-1)]}
        packed = np.ascontiguousarray(result.features.reshape(-1), "<f2").tobytes()
        return {"features_f16": base64.b64encode(packed).decode()}


class NpyShardSink:
    """A folder of `features-000000.npy` files with their records, and `index.json` over them.

    The index names only whole shards and is replaced in one step, so readers may read at any
    time. What a power cut can lose is the shard being filled.

    Args:
        folder: Made if missing; an index in it is continued.
        rows: Records per shard.
    """

    def __init__(self, folder: Path, *, rows: int = 1000) -> None:
        if rows < 1:
            raise ValueError(f"rows: expected 1 or more, got {rows}")
        self._folder, self._rows = folder, rows
        self._held: list[StreamResult] = []
        self._index = _read_index(folder)

    def write(self, result: StreamResult) -> None:
        """Take one record; a full shard is written.

        Raises:
            SinkError: It cannot be written, or the folder holds another model's features.
        """
        self._index["fingerprint"] = _same_model(
            self._index["fingerprint"], result, str(self._folder)
        )
        self._held.append(result)
        if len(self._held) >= self._rows:
            self._flush()

    def close(self) -> None:
        """Write the last shard, however short."""
        if self._held:
            self._flush()

    def _flush(self) -> None:
        first = self._index["rows"]
        name = f"features-{len(self._index['shards']):06d}"
        records = [_meta(result, first + i) for i, result in enumerate(self._held)]
        features = np.stack([result.features.reshape(-1) for result in self._held])
        with _Explained(self._folder):
            spare = self._folder / f".{name}.part"
            with spare.open("wb") as file:
                np.save(file, features, allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
            spare.replace(self._folder / f"{name}.npy")
            lines = "".join(json.dumps(record) + "\n" for record in records)
            _replace(self._folder / f"{name}.jsonl", lines)
            self._index["shards"].append({"name": name, "first": first, "rows": len(records)})
            self._index["rows"] = first + len(records)
            _replace(self._folder / "index.json", json.dumps(self._index, indent=1) + "\n")
        self._held = []


class _Explained:
    """Turns what the operating system says into what the user can do."""

    def __init__(self, where: object) -> None:
        self._where = where

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise SinkError(
                f"{self._where}: cannot be written: {error.strerror}. "
                "What was written before is whole; choose another place or free some space."
            ) from error


def _meta(result: StreamResult, sequence: int) -> dict[str, Any]:
    return {
        "seq": sequence,
        "source": result.source,
        "name": result.name,
        "index": result.index,
        "wall_time": round(result.wall_time, 6),
        "media_s": result.media_s,
        "age_ms": round(result.age_ms, 3),
        "dropped": result.dropped,
        "fingerprint": result.fingerprint,
    }


def _same_model(fingerprint: str | None, result: StreamResult, where: str) -> str:
    if fingerprint is not None and fingerprint != result.fingerprint:
        raise SinkError(
            f"{where}: holds features of model {fingerprint}, not of {result.fingerprint}: they "
            "must not be mixed. Write to another place."
        )
    return result.fingerprint


def _opened(path: Path) -> int:
    with _Explained(path):
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)


def _is_regular(descriptor: int) -> bool:
    return stat.S_ISREG(os.fstat(descriptor).st_mode)  # not a pipe or device


def _last_line(descriptor: int, where: str) -> dict[str, Any] | None:
    """Cut off a line that a power cut left unfinished, and return the last whole one."""
    size = os.fstat(descriptor).st_size
    start = max(0, size - _TAIL_BYTES)
    tail = os.pread(descriptor, size - start, start)
    whole = tail[: tail.rfind(b"\n") + 1]
    lines = whole.splitlines()
    if not lines and start == 0:
        os.ftruncate(descriptor, 0)
        return None
    try:
        record: dict[str, Any] = json.loads(lines[-1])
        if not isinstance(record["seq"], int) or not isinstance(record["fingerprint"], str):
            raise TypeError("seq")
    except (ValueError, KeyError, TypeError, IndexError) as error:
        os.close(descriptor)
        raise SinkError(
            f"{where}: its last line is not a record of `edgefeat stream`. Name another file."
        ) from error
    os.ftruncate(descriptor, start + len(whole))
    return record


def _write_all(descriptor: int, data: bytes, where: str) -> None:
    with _Explained(where):
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]


def _read_index(folder: Path) -> dict[str, Any]:
    path = folder / "index.json"
    with _Explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            return {"fingerprint": None, "rows": 0, "shards": []}
        text = path.read_text()
    try:
        index: dict[str, Any] = json.loads(text)
        if not isinstance(index["rows"], int) or not isinstance(index["shards"], list):
            raise TypeError("rows")
    except (ValueError, KeyError, TypeError) as error:
        raise SinkError(
            f"{path}: not an index of `edgefeat stream`. Name another folder."
        ) from error
    return index


def _replace(path: Path, text: str) -> None:
    spare = path.with_name(f".{path.name}.part")
    with spare.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    spare.replace(path)
