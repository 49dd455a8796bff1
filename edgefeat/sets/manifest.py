"""The manifest of a folder of shards: the one place that says what belongs to the set.

A shard, or a line of the ledger, exists if and only if the manifest counts it. It is replaced as a
whole after every shard, so at any moment it describes a set that can be read and resumed. It holds
no times and no absolute paths: equal sets are equal bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgefeat.atomic import write_text
from edgefeat.errors import SinkError
from edgefeat.model import codec
from edgefeat.sets.encoding import Store, StoreLoss
from edgefeat.sets.info import OutputInfo, SetInfo

__all__ = [
    "LEDGER",
    "MANIFEST",
    "RESTORE",
    "ArrayFiles",
    "FileRecord",
    "Manifest",
    "ShardRecord",
    "read_manifest",
]

MANIFEST = "manifest.json"
LEDGER = "errors.jsonl"
_FORMAT = "edgefeat-features-1"
RESTORE = "Restore the folder from a copy, or extract again into a new one."


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """One file of the set.

    Attributes:
        name: Name of the file in the folder.
        size_bytes: How much of it belongs to the set; a killed run may have left more.
        sha256: Hash of those bytes, 64 hexadecimal digits.
    """

    name: str
    size_bytes: int
    sha256: str

    @classmethod
    def of(cls, name: str, content: bytes) -> FileRecord:
        """Describe a file of this content."""
        return cls(name=name, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())

    def read(self, folder: Path) -> bytes:
        """Return the file's content, as long as the manifest says.

        Raises:
            SinkError: It is missing, too short, or its content is not what was written.
        """
        path = folder / self.name
        try:
            with path.open("rb") as file:
                content = file.read(self.size_bytes)
        except OSError as error:
            problem = f"in the manifest, but {error.strerror}"
            raise SinkError(problem, where=path, remedy=RESTORE) from error
        if FileRecord.of(self.name, content) != self:
            raise SinkError("its content is not what the manifest says", where=path, remedy=RESTORE)
        return content


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayFiles:
    """Where one output of a shard stands.

    Attributes:
        numbers: The array, `(rows, *shape)`.
        scales: float32 `(rows,)`, where the numbers are int8.
    """

    numbers: FileRecord
    scales: FileRecord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardRecord:
    """One shard.

    Attributes:
        rows: How many pictures gave features.
        sources: How many pictures were taken.
        paths: What the rows are called: a JSON list.
        arrays: The files of each output, in the manifest's order.
        frames: When a stream's frames were taken: a JSON object of lists.
        loss: What storing cost the worst vector; None where nothing is lost.
    """

    rows: int
    sources: int
    paths: FileRecord
    arrays: tuple[ArrayFiles, ...]
    frames: FileRecord | None = None
    loss: StoreLoss | None = None

    @property
    def files(self) -> tuple[FileRecord, ...]:
        """The shard's files."""
        found = [self.paths, self.frames]
        for array in self.arrays:
            found += [array.numbers, array.scales]
        return tuple(file for file in found if file is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Everything a set in a folder is.

    Attributes:
        model: Name of the model; see `SetInfo` for this and the next four.
        fingerprint: Fingerprint of model and preprocessing.
        outputs: What is kept of each picture.
        store: How numbers are kept.
        timed: Whether rows say when their frame was taken.
        batch: Pictures per inference, which float models' last digits may depend on.
        shard_sources: How many pictures a shard covers, but for the last one of a run.
        ledger: The pictures that gave no features, one JSON line each.
        failures: How many those are.
        complete: Whether the run that wrote it ended in good order.
        shards: In the order of the rows.
        format: What this file is.
        extra: Keys that this version does not know.
    """

    model: str
    fingerprint: str
    outputs: tuple[OutputInfo, ...]
    store: Store
    timed: bool
    batch: int
    shard_sources: int
    ledger: FileRecord
    failures: int = 0
    complete: bool = False
    shards: tuple[ShardRecord, ...] = ()
    format: str = _FORMAT
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def info(self) -> SetInfo:
        """What the rows have in common."""
        return SetInfo(
            model=self.model,
            fingerprint=self.fingerprint,
            outputs=self.outputs,
            store=self.store,
            timed=self.timed,
        )

    @property
    def rows(self) -> int:
        """Vectors in the set."""
        return sum(shard.rows for shard in self.shards)

    @property
    def loss(self) -> StoreLoss | None:
        """What storing cost the worst vector of the set; None where nothing is lost."""
        worst: StoreLoss | None = None
        for shard in self.shards:
            if shard.loss is not None:
                worst = shard.loss.worst(worst)
        return worst

    def save(self, folder: Path) -> None:
        """Replace the folder's manifest."""
        text = json.dumps(codec.write(self), indent=1, allow_nan=False) + "\n"
        write_text(folder / MANIFEST, text)


def read_manifest(folder: Path) -> Manifest:
    """Read a folder's manifest.

    Raises:
        SinkError: There is none, or it is not one of ours.
    """
    path = folder / MANIFEST
    try:
        manifest = codec.read(Manifest, json.loads(path.read_bytes()))
    except FileNotFoundError as error:
        raise SinkError(
            f"not a feature set: it holds no {MANIFEST}",
            where=folder,
            remedy="Name a folder that `edgefeat extract` or `edgefeat stream` wrote.",
        ) from error
    except OSError as error:
        raise SinkError(
            f"cannot be read: {error.strerror}", where=path, remedy="Check its permissions."
        ) from error
    except (codec.CodecError, ValueError, RecursionError) as error:
        raise SinkError(
            f"not a manifest that edgefeat wrote: {error}", where=path, remedy=RESTORE
        ) from error
    if manifest.format != _FORMAT:
        raise SinkError(
            f"format: expected {_FORMAT!r}, got {manifest.format!r}",
            where=path,
            remedy="Read it with the edgefeat that wrote it, or extract again.",
        )
    return manifest
