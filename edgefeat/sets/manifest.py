"""The manifest of a folder of shards: the one place that says what belongs to the set.

A shard, or a line of the ledger, exists if and only if the manifest counts it. It is replaced as a
whole after every shard, so at any moment it describes a set that can be read and resumed. A shard's
files carry a part of their hash in their names: shards of two orders stand beside each other until
one manifest takes the other's place, and equal sets are equal bytes.
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
from edgefeat.options.output import Store
from edgefeat.sets.encoding import StoreLoss
from edgefeat.sets.info import OutputInfo, PixelsFrom, SetInfo

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
RESTORE = "Go on with the set by resume or sync, which redoes what is damaged, or restore a copy."


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """One file of the set.

    Args:
        name: Name of the file in the folder.
        size_bytes: How many of its bytes belong to the set; a killed run may have left more.
        sha256: The hash of those bytes.
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
        if not self.is_content(content):
            raise SinkError("its content is not what the manifest says", where=path, remedy=RESTORE)
        return content

    def is_content(self, content: bytes) -> bool:
        """Return whether this is what was written."""
        return FileRecord.of(self.name, content) == self

    def is_whole(self, folder: Path) -> bool:
        """Return whether the file is there with the content that was written."""
        try:
            self.read(folder)
        except SinkError:
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayFiles:
    """Where one output of a shard stands.

    Args:
        numbers: The array, `(rows, *shape)`.
        scales: float32 `(rows,)`, where the numbers are bytes.
    """

    numbers: FileRecord
    scales: FileRecord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardRecord:
    """One shard.

    Args:
        rows: How many pictures gave features.
        sources: How many pictures were taken.
        paths: What the rows are called: a JSON list.
        arrays: The files of each output, in the manifest's order.
        frames: When a stream's frames were taken: a JSON object of lists.
        stamps: What the pictures' files were when they were read: a JSON object of lists.
        loss: What storing cost the worst vector; None where nothing is lost.
    """

    rows: int
    sources: int
    paths: FileRecord
    arrays: tuple[ArrayFiles, ...]
    frames: FileRecord | None = None
    stamps: FileRecord | None = None
    loss: StoreLoss | None = None

    @property
    def files(self) -> tuple[FileRecord, ...]:
        """The shard's files."""
        found = [self.paths, self.frames, self.stamps]
        for array in self.arrays:
            found += [array.numbers, array.scales]
        return tuple(file for file in found if file is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Everything a set in a folder is.

    Args:
        model: See `SetInfo`, as for the next five.
        fingerprint: The hash of model and preprocessing.
        outputs: What is kept of each picture.
        store: How numbers are kept.
        timed: Whether rows say when their frame was taken.
        pixels: How pixels were got.
        batch: Pictures for each inference, which float models' last digits may depend on.
        shard_sources: How many pictures a shard covers, but for the last one.
        ledger: The pictures that gave no features, one JSON line each.
        failures: How many those are.
        damaged: How many rows are of damaged pictures, which the ledger names too.
        complete: Whether the run that wrote it ended in good order.
        relative_to: The folder from which names that are relative start, itself relative to the
            set's folder; None where no name is.
        shards: The shards in the order of the rows.
        spare: Shards that do not belong to the set: the vectors of a sync that was cut short, for
            the next one.
        format: What this file is.
        extra: Keys that this version does not know.
    """

    model: str
    fingerprint: str
    outputs: tuple[OutputInfo, ...]
    store: Store
    timed: bool
    pixels: PixelsFrom | None
    batch: int
    shard_sources: int
    ledger: FileRecord
    failures: int = 0
    damaged: int = 0
    complete: bool = False
    relative_to: str | None = None
    shards: tuple[ShardRecord, ...] = ()
    spare: tuple[ShardRecord, ...] = ()
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
            pixels=self.pixels,
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
