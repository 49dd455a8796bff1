"""Compares a finished file for columns with the Keras network that it was made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import onnx

from edgefeat.model.file import ModelFile
from edgefeat.model.spec import Parity
from edgefeat_export.columns import assembly, cut, opening, verify
from edgefeat_export.columns.column import KerasColumn
from edgefeat_export.columns.reference import GraphRun, TableReference
from edgefeat_export.columns.ruled_rows import Arrays, ordinary_rows
from edgefeat_export.cut import reduction
from edgefeat_export.cut.headless import Tap
from edgefeat_export.cut.reduction import Reduction
from edgefeat_export.errors import ExportError
from edgefeat_export.networks.request import NetworkRequest
from edgefeat_export.networks.weights import record_of_file
from edgefeat_export.pipeline.own_rows import read_own
from edgefeat_export.pipeline.request import Say
from edgefeat_export.pipeline.results import VerifiedFile
from edgefeat_export.proof import gates

__all__ = ["verify_table"]

_RULED: Final = 160


def verify_table(
    file: ModelFile,
    against: NetworkRequest,
    taps: Sequence[Tap],
    rows: Path | None,
    limits: gates.Gates,
    say: Say,
) -> VerifiedFile:
    """Measure a file for columns against its Keras network, and require its gates.

    Args:
        file: The file.
        against: The saved model that it was made from.
        taps: Where the file's outputs leave the network.
        rows: A CSV or Parquet file with rows to compare on; None makes rows by rule.
        limits: What must hold.
        say: Takes lines of progress.

    Raises:
        VerificationError: A gate was missed, or an awkward row differs.
        ExportError: The network or the rows cannot be loaded, or the network takes other columns.
    """
    path, saved = Path(file.path), Path(against.name)
    if not opening.is_table(against.name):
        raise ExportError(
            f"expected the saved network for columns that {path.name} was made from",
            where=against.name,
            remedy="Give the path of that model.",
        )
    name = file.spec.name
    opened = opening.open_table(saved, name=name, allow_code=against.allow_code, code=against.code)
    body, _ = cut.cut(opened.model, taps)
    columns = assembly.to_graph(body.model, body.outputs).columns
    _require_same(columns, file)
    weights = record_of_file(saved)
    same = weights.sha256 == file.spec.source.weights_sha256
    if not same:
        say(f"note: the weights differ from those {path.name} was made from")
    model, bare = onnx.load(path), TableReference(headless=body)
    run, reference = GraphRun(model, columns), replace(bare, reduction=_reduction(file, model))
    if rows is None and reference.reduction == Reduction():
        say(f"comparing {path.name} with Keras on rows made by rule, ordinary and awkward")
        compared = verify.verify(run, bare, columns, file=path.name).rows
    else:
        compared = _rows(rows, columns, bare, say)
        say(f"comparing {path.name} with Keras on {len(compared[0])} rows")
    parities = verify.measure(run, reference, compared, columns, file=path.name)
    return _judged(file, parities, limits, same_weights=same)


def _judged(
    file: ModelFile,
    parities: Mapping[str, Parity],
    limits: gates.Gates,
    *,
    same_weights: bool,
) -> VerifiedFile:
    path = Path(file.path)
    gates.require(parities, limits, file=path.name, reference="Keras")
    return VerifiedFile(
        path=path,
        spec=file.spec,
        size_bytes=file.size_bytes,
        parities=parities,
        same_weights=same_weights,
    )


def _require_same(columns: Sequence[KerasColumn], file: ModelFile) -> None:
    """Refuse a network with other columns than the file, or other hashes of them."""
    theirs = {one.name: (str(one.kind), one.size, one.hashes) for one in columns}
    ours = {one.name: (one.KIND, one.size, list(one.hashes or ())) for one in file.spec.columns}
    if theirs != ours:
        raise ExportError(
            f"the network takes {_told(theirs)}, and the file {_told(ours)}",
            where=file.path,
            remedy="Compare it with the network that it was made from.",
        )


def _told(columns: Mapping[str, tuple[str, int, object]]) -> str:
    return ", ".join(
        f"{name} ({kind}{f' x {size}' if size > 1 else ''})"
        for name, (kind, size, _) in columns.items()
    )


def _reduction(file: ModelFile, model: onnx.ModelProto) -> Reduction:
    primary = file.spec.primary
    reduced = primary.reduced_from is not None
    projection = reduction.read_projection(model) if reduced else None
    return Reduction(projection=projection, l2=primary.l2_normalised)


def _rows(
    rows: Path | None, columns: Sequence[KerasColumn], reference: TableReference, say: Say
) -> Arrays:
    """Return the user's rows, or those made by rule for which Keras gives features."""
    if rows is not None:
        return read_own(rows, columns, reference, say).arrays
    guessed = ordinary_rows(columns, _RULED)
    finite = verify.finite_rows(reference, guessed)
    return [array[finite] for array in guessed] if finite.any() else guessed
