"""Where feature sets go: one file (`.npz .npy .csv .jsonl .parquet`) or a folder of shards."""

from __future__ import annotations

from pathlib import Path

from edgefeat.errors import SinkError
from edgefeat.sets.base import CorpusSink, ListSink, SetInfo, Sink, write_record
from edgefeat.sets.encoding import Store
from edgefeat.sets.text import FileSink

__all__ = [
    "FORMATS",
    "CorpusSink",
    "FileSink",
    "ListSink",
    "SetInfo",
    "Sink",
    "is_folder",
    "open_sink",
    "write_record",
]

FORMATS = (".npz", ".npy", ".csv", ".jsonl", ".parquet")
_HOLDS = {
    ".npz": tuple(Store),
    ".npy": (Store.F32, Store.F16),  # one array: no room for scales
    ".parquet": tuple(Store),
}


def is_folder(output: str) -> bool:
    """Return whether an output names a folder: it ends in / or has no suffix, or is one."""
    path = Path(output)
    suffix = path.suffix.lower()
    return output.endswith("/") or not suffix or (suffix not in FORMATS and path.is_dir())


def open_sink(path: Path, info: SetInfo) -> FileSink:
    """Open the sink that goes with a file's suffix.

    Raises:
        SinkError: Unknown suffix, one that cannot hold what `info` says, or a folder that is
            missing or cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise SinkError(
            f"{path}: expected a file ending in {', '.join(FORMATS)}, or a folder, got {suffix!r}."
        )
    if path.is_dir():
        raise SinkError(f"{path}: a folder, expected a file. Name a file inside it.")
    holds = _HOLDS.get(suffix, (Store.F32,))
    if info.store not in holds:
        raise SinkError(
            f"{path}: a {suffix} file cannot hold {info.store}, only {', '.join(holds)}. "
            "Choose .npz, .parquet or a folder."
        )
    return _sink_class(suffix)(path, info)


def _sink_class(suffix: str) -> type[FileSink]:
    if suffix in (".npz", ".npy"):
        from edgefeat.sets.arrays import ArraySink

        return ArraySink
    if suffix == ".parquet":
        from edgefeat.sets.parquet import ParquetSink

        return ParquetSink
    from edgefeat.sets.text import CsvSink, JsonLinesSink

    return CsvSink if suffix == ".csv" else JsonLinesSink
