"""NumPy's own formats: `.npz` with everything inside, `.npy` with its facts beside it.

    FILE.npz   features (N, D), paths (N,), model, fingerprint, outputs (the output's name),
               pixels (how they were got)
               scales (N,) with i8; index, source, wall_time, ... (N,) from a stream
               output_NAME (N, D) and scales_NAME (N,) for each output, where several are kept
    FILE.npy   features (N, D); paths and the rest in FILE.npy.json

A map's array has the map's shape: (N, H, W, C).
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.atomic import Spool
from edgefeat.model import codec
from edgefeat.sets.columns import JsonColumn, RawColumn
from edgefeat.sets.contents import SetContents
from edgefeat.sets.csv_file import read_sidecar
from edgefeat.sets.encoding import Store, Stored
from edgefeat.sets.frames import COLUMNS, NEWER, TEXTS, Frames, frame_facts
from edgefeat.sets.info import OutputInfo, PixelsFrom, SetInfo
from edgefeat.sets.names import decode_name, encode_name
from edgefeat.sets.record import FeatureRecord
from edgefeat.sets.whole_file import SidecarSink, WholeFileSink

__all__ = ["NpySink", "NpzSink", "read_npy", "read_npz"]


class NpzSink(WholeFileSink):
    """Spools a column for each array; memory does not grow with the set. See `WholeFileSink`."""

    def __init__(self, path: Path, info: SetInfo, *, overwrite: bool = False) -> None:
        super().__init__(path, info, overwrite=overwrite)
        folder = path.parent
        self._numbers = [RawColumn(folder, info.store.dtype, out.shape) for out in info.outputs]
        has_scales = info.store.has_scales
        self._scales = [RawColumn(folder, np.dtype("<f4")) for _ in info.outputs if has_scales]
        self._paths = JsonColumn(folder)
        self._facts: dict[str, RawColumn | JsonColumn] = {
            name: JsonColumn(folder) if name in TEXTS else RawColumn(folder, dtype)
            for name, dtype in COLUMNS.items()
            if info.timed
        }

    def close(self) -> None:
        """Give up whatever was not committed; closing twice is fine."""
        super().close()
        for column in (*self._numbers, *self._scales, self._paths, *self._facts.values()):
            column.close()

    def _put(self, record: FeatureRecord, rows: Sequence[Stored]) -> None:
        self._paths.add(encode_name(record.path))
        for column, row in zip(self._numbers, rows, strict=True):
            column.add(row.numbers[0])
        for column, row in zip(self._scales, rows, strict=False):  # none without scales
            column.add(row.scales)
        if self._info.timed:
            for name, fact in frame_facts(record).items():
                self._facts[name].add(np.nan if fact is None else fact)

    def _finish(self) -> None:
        arrays: dict[str, Callable[[IO[bytes]], None]] = {}
        names = [output.name for output in self._info.outputs]
        for name, column in zip(names, self._numbers, strict=True):
            arrays[_key("features", name, len(names))] = column.write
        for name, column in zip(names, self._scales, strict=False):
            arrays[_key("scales", name, len(names))] = column.write
        arrays["paths"] = self._paths.write
        arrays |= {name: column.write for name, column in self._facts.items()}
        for name, value in (
            ("model", self._info.model),
            ("fingerprint", self._info.fingerprint),
            ("outputs", names),
            ("pixels", str(self._info.pixels or "")),
        ):
            arrays[name] = _writer_of(np.array(value, np.str_))
        with zipfile.ZipFile(self._spool.file, "w") as archive:
            for name, write in arrays.items():
                # ZipInfo carries no time of day, so that equal sets are equal bytes.
                member_info = zipfile.ZipInfo(f"{name}.npy")
                with archive.open(member_info, "w", force_zip64=True) as member:
                    write(member)


class NpySink(SidecarSink):
    """Spools the array; its names and facts go into the sidecar. See `WholeFileSink`."""

    def __init__(self, path: Path, info: SetInfo, *, overwrite: bool = False) -> None:
        super().__init__(path, info, overwrite=overwrite)
        self._numbers = RawColumn(path.parent, info.store.dtype, info.shape)
        self._paths = JsonColumn(path.parent)
        self._facts = [JsonColumn(path.parent) for _ in COLUMNS if info.timed]

    def close(self) -> None:
        """Give up whatever was not committed; closing twice is fine."""
        super().close()
        self._numbers.close()
        for column in (self._paths, *self._facts):
            column.close()

    def _put(self, record: FeatureRecord, rows: Sequence[Stored]) -> None:
        self._numbers.add(rows[0].numbers[0])
        self._paths.add(encode_name(record.path))
        if self._info.timed:
            for column, fact in zip(self._facts, frame_facts(record).values(), strict=True):
                column.add(fact)

    def _finish(self) -> None:
        self._numbers.write(self._spool.file)

    def _write_facts(self, spool: Spool) -> None:
        """Write JSON by hand, a row at a time: names and facts do not fit memory."""
        file = spool.file
        head = json.dumps({**codec.write(self._info), "rows": self._rows}, indent=1)
        file.write(head.removesuffix("\n}").encode())
        texts = {"paths": self._paths}
        if self._info.timed:
            texts |= dict(zip(COLUMNS, self._facts, strict=True))
        for name, column in texts.items():
            file.write(f',\n "{name}": ['.encode())
            for row, value in enumerate(column):
                file.write(b",\n  " if row else b"\n  ")
                file.write(json.dumps(value).encode())
            file.write(b"\n ]")
        file.write(b"\n}\n")


def read_npz(path: Path) -> SetContents:
    """Read an `.npz` set.

    Raises:
        KeyError, TypeError, ValueError: It is not one of ours.
    """
    with np.load(path, allow_pickle=False) as archive:
        timed = "index" in archive
        names = [str(name) for name in archive["outputs"]]
        arrays = [archive[_key("features", name, len(names))] for name in names]
        info = SetInfo(
            model=str(archive["model"]),
            fingerprint=str(archive["fingerprint"]),
            outputs=tuple(
                OutputInfo(name=name, shape=array.shape[1:])
                for name, array in zip(names, arrays, strict=True)
            ),
            store=_store_of(arrays[0]),
            timed=timed,
            pixels=_pixels_from(archive),
        )
        columns = []
        for output, array in zip(info.outputs, arrays, strict=True):
            scales = (
                archive[_key("scales", output.name, len(names))] if info.store.has_scales else None
            )
            columns.append([Stored(numbers=array.reshape(len(array), output.size), scales=scales)])
        there = [name for name in COLUMNS if name not in NEWER or name in archive]
        facts = {name: archive[name] for name in there} if timed else {}
        return SetContents(
            info=info,
            paths=[decode_name(name) for name in archive["paths"].tolist()],
            frames=Frames.of_columns(facts) if timed else None,
            columns=columns,
        )


def read_npy(path: Path) -> SetContents:
    """Read a `.npy` set and its sidecar; the array is mapped, not read.

    Raises:
        SinkError, KeyError, TypeError, ValueError: It is not one of ours.
    """
    info, facts = read_sidecar(path)
    numbers = np.load(path, mmap_mode="r", allow_pickle=False)
    return SetContents(
        info=info,
        paths=[decode_name(name) for name in facts["paths"]],
        frames=Frames.of_columns(facts) if info.timed else None,
        columns=[[Stored(numbers=numbers.reshape(len(numbers), -1))]],
    )


def _pixels_from(archive: Any) -> PixelsFrom | None:
    said = str(archive["pixels"]) if "pixels" in archive else ""
    return PixelsFrom(said) if said else None


def _key(kind: str, output: str, outputs: int) -> str:
    """Return the name of an output's array in an archive of one or several."""
    if outputs == 1:
        return kind
    return f"{'output' if kind == 'features' else kind}_{output}"


def _writer_of(array: NDArray[Any]) -> Callable[[IO[bytes]], None]:
    return lambda target: np.lib.format.write_array(target, array, allow_pickle=False)


def _store_of(numbers: NDArray[Any]) -> Store:
    for store in Store:
        if numbers.dtype == store.dtype:
            return store
    raise ValueError(f"features: expected {', '.join(Store)}, got {numbers.dtype}")
