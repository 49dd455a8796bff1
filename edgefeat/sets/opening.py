"""Opens the folder of a set for writing, and says how many pictures a shard of it covers."""

from __future__ import annotations

from pathlib import Path

from edgefeat.errors import OptionError
from edgefeat.sets.folder import SetFolder
from edgefeat.sets.info import SetInfo

__all__ = ["default_shard_sources", "open_set_folder"]

_SHARD_BYTES = 16 * 2**20
_MAX_SOURCES = 1024


def default_shard_sources(info: SetInfo, batch: int) -> int:
    """Return how many pictures a shard covers: at most 1024 or 16 MiB, in whole batches."""
    fitting = min(_MAX_SOURCES, max(1, _SHARD_BYTES // (4 * info.dim)))
    return max(1, fitting // batch) * batch


def open_set_folder(
    folder: Path,
    info: SetInfo,
    *,
    resume: bool,
    overwrite: bool,
    batch: int = 1,
    shard_size: int | None,
    later: bool = False,
) -> SetFolder:
    """Open the folder of a set; see `ShardSink`, and `SetFolder` for `later`.

    Raises:
        OptionError: `shard_size` is not whole batches.
        SinkError: The folder holds something else, or a set of another fingerprint.
    """
    if shard_size is not None and shard_size % batch:
        raise OptionError(
            f"expected a multiple of the batch of {batch} pictures, got {shard_size}",
            option="shard_size",
        )
    return SetFolder(
        folder,
        info,
        resume=resume,
        overwrite=overwrite,
        batch=batch,
        shard_sources=shard_size,
        default_sources=default_shard_sources(info, batch),
        later=later,
    )
