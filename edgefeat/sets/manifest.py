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

from edgefeat.errors import SinkError
from edgefeat.model import codec
from edgefeat.sets.atomic import replace_file
from edgefeat.sets.encoding import Fidelity, Store

__all__ = [
    "LEDGER",
    "MANIFEST",
    "RESTORE",
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
    """One file of the set, by name, length and content."""

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
            raise SinkError(f"{path}: in the manifest, but {error.strerror}. {RESTORE}") from error
        if FileRecord.of(self.name, content) != self:
            raise SinkError(f"{path}: its content is not what the manifest says. {RESTORE}")
        return content


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardRecord:
    """One shard: `sources` pictures were taken, `rows` of them gave vectors."""

    rows: int
    sources: int
    features: FileRecord
    paths: FileRecord
    scales: FileRecord | None = None
    fidelity: Fidelity | None = None

    @property
    def files(self) -> tuple[FileRecord, ...]:
        """The shard's files."""
        return (self.features, self.paths, *([self.scales] if self.scales else []))


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Everything a set in a folder is."""

    model: str
    fingerprint: str
    dim: int
    store: Store
    batch: int
    shard_sources: int
    ledger: FileRecord
    failures: int = 0
    complete: bool = False
    shards: tuple[ShardRecord, ...] = ()
    format: str = _FORMAT
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Vectors in the set."""
        return sum(shard.rows for shard in self.shards)

    @property
    def fidelity(self) -> Fidelity | None:
        """What storing cost the worst vector of the set; None where nothing is lost."""
        worst: Fidelity | None = None
        for shard in self.shards:
            if shard.fidelity is not None:
                worst = shard.fidelity.worst(worst)
        return worst

    def save(self, folder: Path) -> None:
        """Replace the folder's manifest."""
        text = json.dumps(codec.write(self), indent=1, allow_nan=False) + "\n"
        replace_file(folder / MANIFEST, text.encode())


def read_manifest(folder: Path) -> Manifest:
    """Read a folder's manifest.

    Raises:
        SinkError: There is none, or it is not one of ours.
    """
    path = folder / MANIFEST
    try:
        manifest = codec.read(Manifest, json.loads(path.read_bytes()))
    except FileNotFoundError as error:
        raise SinkError(f"{folder}: not a feature set: it holds no {MANIFEST}.") from error
    except OSError as error:
        raise SinkError(f"{path}: cannot be read: {error.strerror}.") from error
    except (codec.CodecError, ValueError, RecursionError) as error:
        raise SinkError(f"{path}: not a manifest that edgefeat wrote: {error}") from error
    if manifest.format != _FORMAT:
        raise SinkError(f"{path}: format: expected {_FORMAT!r}, got {manifest.format!r}.")
    return manifest
