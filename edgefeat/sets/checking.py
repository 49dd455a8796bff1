"""Holds every byte of a set to what was written, and says which parts are damaged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgefeat.errors import SinkError
from edgefeat.sets.info import SetInfo
from edgefeat.sets.manifest import FileRecord, read_manifest
from edgefeat.sets.reading import read_set

__all__ = ["Damage", "SetCheck", "check_set"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """A part of a set that is not what was written.

    Args:
        file: The damaged file, or the set itself.
        rows: How many rows cannot be trusted; 0 where it is the ledger.
        problem: What is wrong.
    """

    file: str
    rows: int
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCheck:
    """What a set is, and whether it is whole.

    Args:
        info: What the rows have in common.
        rows: Rows that a reader finds; of a folder with damaged shards, the rows of the others.
        failures: Pictures that gave no features, as far as the set knows; None for a single file.
        damaged_pictures: Rows of damaged pictures, as far as the set knows.
        shards: Shards of a folder; None for a single file.
        complete: Whether the run that wrote it ended in good order.
        damages: What is damaged; empty if nothing is.
    """

    info: SetInfo
    rows: int
    failures: int | None = None
    damaged_pictures: int | None = None
    shards: int | None = None
    complete: bool = True
    damages: tuple[Damage, ...] = ()


def check_set(path: str | Path, *, every_byte: bool = True) -> SetCheck:
    """Look at a set of any format.

    Args:
        path: A file or folder.
        every_byte: Whether to read all files of a folder and hold them to their hashes, and not
            only to their lengths. Of a single file, all that has a checksum (.npz, .parquet) is
            read in any case.

    Raises:
        SinkError: It is no feature set, or a single file is damaged.
    """
    place = Path(path)
    if not place.is_dir():
        contents = read_set(place)
        for _ in contents.blocks(4096):  # which reads the numbers
            pass
        return SetCheck(info=contents.info, rows=len(contents))
    manifest = read_manifest(place)
    damages, whole = [], 0
    for shard in manifest.shards:
        faults = [fault for file in shard.files if (fault := _fault(file, place, every_byte))]
        damages += [Damage(file=name, rows=shard.rows, problem=said) for name, said in faults]
        whole += 0 if faults else shard.rows
    if fault := _fault(manifest.ledger, place, every_byte=True):
        damages.append(Damage(file=fault[0], rows=0, problem=fault[1]))
    return SetCheck(
        info=manifest.info,
        rows=whole,
        failures=manifest.failures,
        damaged_pictures=manifest.damaged,
        shards=len(manifest.shards),
        complete=manifest.complete,
        damages=tuple(damages),
    )


def _fault(file: FileRecord, folder: Path, every_byte: bool) -> tuple[str, str] | None:
    if every_byte:
        try:
            file.read(folder)
        except SinkError as error:
            return file.name, error.problem
        return None
    path = folder / file.name
    if not path.exists():
        return file.name, "missing"
    if path.stat().st_size != file.size_bytes:
        return file.name, "its length is not what the manifest says"
    return None
