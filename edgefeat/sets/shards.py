"""A folder of shards that survives a kill at any moment.

    OUT/manifest.json               what belongs to the set; written last, after every shard
    OUT/shard-00000.npy             vectors (n, D)
    OUT/shard-00000.paths.json      their names
    OUT/shard-00000.scales.npy      float32 (n,), where vectors are int8
    OUT/errors.jsonl                the pictures that gave none, and why

A shard covers a fixed number of source pictures, so that a run that was killed and resumed cuts
where one that never stopped does, and the two folders are equal byte for byte.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import SinkError
from edgefeat.sets.base import Failure, Features, SetInfo
from edgefeat.sets.encoding import Fidelity, encode
from edgefeat.sets.folder import SetFolder
from edgefeat.sets.manifest import Manifest, ShardRecord

__all__ = ["ShardSink", "default_shard_sources"]

_SHARD_BYTES = 16 * 2**20
_MAX_SOURCES = 1024


def default_shard_sources(dim: int, batch: int) -> int:
    """Return how many pictures a shard covers: at most 1024 or 16 MiB, in whole batches."""
    fitting = min(_MAX_SOURCES, max(1, _SHARD_BYTES // (4 * dim)))
    return max(1, fitting // batch) * batch


class ShardSink:
    """Takes vectors and failures in order, and commits them a shard at a time.

    Args:
        folder: Made if it is missing; locked while open.
        info: What the rows have in common.
        resume: Whether to go on with a set that is there; without it, one is refused.
        batch: Pictures per inference, which float models' last digits may depend on.
        shard_sources: Pictures a shard covers; None takes the set's own or a default.

    Raises:
        SinkError: The folder holds something else, or a set of another fingerprint.
    """

    def __init__(
        self,
        folder: Path,
        info: SetInfo,
        *,
        resume: bool = False,
        batch: int = 1,
        shard_sources: int | None = None,
    ) -> None:
        if shard_sources is not None and shard_sources % batch:
            raise SinkError(
                f"{folder}: a shard of {shard_sources} pictures is not whole batches of {batch}. "
                f"Choose a multiple of {batch} as --shard-size."
            )
        self._folder = SetFolder(
            folder,
            info,
            resume=resume,
            batch=batch,
            shard_sources=shard_sources or default_shard_sources(info.dim, batch),
            check_sources=shard_sources is not None,
        )
        self._info = info
        self._rows: list[tuple[str, Features]] = []
        self._failures: list[Failure] = []
        self.resumed_rows = self.manifest.rows

    @property
    def manifest(self) -> Manifest:
        """What is committed so far."""
        return self._folder.manifest

    @property
    def fidelity(self) -> Fidelity | None:
        """What storing cost the worst vector of the set; None where nothing is lost."""
        return self.manifest.fidelity

    def select(self, paths: Sequence[str]) -> list[str]:
        """Return the pictures still to be done, each once, in order.

        Raises:
            SinkError: The set is unfinished and was made from other pictures.
        """
        done = self._folder.done
        known = done.intersection(paths)
        if done and not known and not self.manifest.complete:
            raise SinkError(
                f"{self._folder.path}: unfinished, and not one of its {len(done)} pictures is "
                f"among the sources given now; it has, for example, {min(done)!r}. Resume "
                "with the same sources, spelled alike, from the same working folder."
            )
        return [path for path in dict.fromkeys(paths) if path not in known]

    def write(self, name: str, features: Features) -> None:
        """Take one vector: float32 `(D,)`."""
        if features.shape != (self._info.dim,):
            raise ValueError(f"features: expected shape ({self._info.dim},), got {features.shape}")
        self._rows.append((name, features))
        self._flush_if_full()

    def fail(self, failure: Failure) -> None:
        """Take one failure; one that the ledger has already is not taken again."""
        if failure.path not in self._folder.done:
            self._failures.append(failure)
            self._flush_if_full()

    def commit(self) -> None:
        """Write the last, partial shard and mark the set complete."""
        if self._pending:
            self._flush()
        self._folder.finish()

    def close(self) -> None:
        """Drop what is not in a shard yet and unlock the folder; closing twice is fine."""
        self._rows.clear()
        self._failures.clear()
        self._folder.close()

    @property
    def _pending(self) -> int:
        return len(self._rows) + len(self._failures)

    def _flush_if_full(self) -> None:
        if self._pending == self.manifest.shard_sources:
            self._flush()

    def _flush(self) -> None:
        stem = f"shard-{len(self.manifest.shards):05}"
        names = [name for name, _ in self._rows]
        features = np.array([row for _, row in self._rows], np.float32).reshape(-1, self._info.dim)
        stored = encode(features, self._info.store, where=str(self._folder.path))
        put, scales = self._folder.put, None
        if stored.scales is not None:
            scales = put(f"{stem}.scales.npy", _npy(stored.scales))
        shard = ShardRecord(
            rows=len(names),
            sources=self._pending,
            features=put(f"{stem}.npy", _npy(stored.numbers)),
            paths=put(f"{stem}.paths.json", (json.dumps(names, indent=0) + "\n").encode()),
            scales=scales,
            fidelity=stored.fidelity,
        )
        self._folder.add(shard, names, self._failures)
        self._rows.clear()
        self._failures.clear()


def _npy(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=(1, 0), allow_pickle=False)
    return file.getvalue()
