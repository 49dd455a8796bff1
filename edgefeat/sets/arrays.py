"""NumPy's own formats: `.npy` with a sidecar of facts, `.npz` with everything inside."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.sets.atomic import spool_beside
from edgefeat.sets.base import Features, SetInfo
from edgefeat.sets.encoding import Store, encode
from edgefeat.sets.text import FileSink

__all__ = ["ArraySink"]


class ArraySink(FileSink):
    """Spools raw rows; the header, which needs their count, is written at the end."""

    def __init__(self, path: Path, info: SetInfo) -> None:
        super().__init__(path, info)
        self._scales: list[np.float32] = []

    def _put(self, name: str, features: Features) -> None:
        stored = encode(features[np.newaxis], self._info.store, where=str(self._path))
        if stored.fidelity is not None:
            self.fidelity = stored.fidelity.worst(self.fidelity)
        self._spool.write(stored.numbers.tobytes())
        if stored.scales is not None:
            self._scales.append(stored.scales[0])

    def _finish(self) -> None:
        raw = self._spool
        self._spool = spool_beside(self._path)
        try:
            if self._path.suffix.lower() == ".npy":
                self._copy_array(raw, self._spool)
                self._sidecar()
            else:
                self._fill_archive(raw)
        finally:
            raw.close()
            Path(raw.name).unlink(missing_ok=True)

    def _copy_array(self, raw: IO[bytes], target: IO[bytes]) -> None:
        shape = (len(self._names), self._info.dim)
        descr = np.lib.format.dtype_to_descr(self._info.store.dtype)
        header = {"descr": descr, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(target, header)
        raw.seek(0)
        shutil.copyfileobj(raw, target)

    def _fill_archive(self, raw: IO[bytes]) -> None:
        arrays: dict[str, NDArray[Any]] = {
            "paths": np.array(self._names, dtype=np.str_),
            "model": np.array(self._info.model),
            "fingerprint": np.array(self._info.fingerprint),
        }
        if self._info.store is Store.I8:
            arrays["scales"] = np.array(self._scales, np.float32)
        with zipfile.ZipFile(self._spool, "w") as archive:
            # ZipInfo carries no time of day, so that equal sets are equal bytes.
            member_info = zipfile.ZipInfo("features.npy")
            with archive.open(member_info, "w", force_zip64=True) as member:
                self._copy_array(raw, member)
            for name, array in arrays.items():
                with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w") as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)
