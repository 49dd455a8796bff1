"""Compares a finished file with the Keras network that it was made from."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import onnx

from edgefeat.errors import OptionError
from edgefeat.model.file import read_model_file
from edgefeat.model.spec import ModelSpec, OutputKind, OutputSpec
from edgefeat.options import checks
from edgefeat_export import border
from edgefeat_export.cut import headless, reduction
from edgefeat_export.cut.headless import Pooling, Tap
from edgefeat_export.errors import ExportError
from edgefeat_export.networks import load
from edgefeat_export.networks import network as networks
from edgefeat_export.networks.network import Network
from edgefeat_export.networks.normalisation import Normalisation
from edgefeat_export.networks.request import NetworkRequest
from edgefeat_export.pipeline.request import Say, network_of, path_of, silent
from edgefeat_export.pipeline.results import VerifiedFile
from edgefeat_export.pipeline.verify_tables import verify_table
from edgefeat_export.precision import Precision
from edgefeat_export.proof import gates as gate_limits
from edgefeat_export.proof import parity, pictures
from edgefeat_export.proof.reference import KerasReference

__all__ = ["verify"]

_UNCHANGED: Final[Mapping[str, float | None]] = MappingProxyType({})


def verify(
    model: str | os.PathLike[str],
    against: str | os.PathLike[str] | NetworkRequest,
    images: str | os.PathLike[str] | None = None,
    *,
    rows: str | os.PathLike[str] | None = None,
    at_most: int = 1000,
    gates: Mapping[str, float | None] = _UNCHANGED,
    say: Say = silent,
) -> VerifiedFile:
    """Measure a model file against its Keras network on your own data, and require its gates.

        verify("models/my_model_224_int8.onnx", "my_model.keras", "photos/")
        verify("models/my_table_fp32.onnx", "my_table.keras", rows="rows.csv")

    Args:
        model: A file that `build` or `quantize` made.
        against: Network that the file was made from: a backbone's name, a saved model's path, or a
            `NetworkRequest`. Size, cut and, where left out, normalisation come from the file.
        images: Folder of pictures, for a file that takes pictures.
        rows: CSV or Parquet file with rows, for a file that takes columns; None takes rows made by
            rule: every known value in turn, unknown ones, edges of bins, awkward values.
        at_most: How many pictures to take, evenly spread over the folder.
        gates: Limits to change, by `PRECISION.GATE`, such as `{"int8.cosine_mean": 0.97}`; None
            takes a limit away. See `edgefeat_export.proof.gates`.
        say: Takes lines of progress.

    Returns:
        The file with the parity of each output, and whether the network's weights are those that
        the file was made from.

    Raises:
        VerificationError: A gate was missed.
        ExportError: The network, the pictures or the rows cannot be loaded.
        ModelError: The file is damaged or not one of edgefeat.
        OptionError: An option makes no sense, or nothing would use it.
    """
    path, count = Path(model), checks.whole_number("at_most", at_most)
    file = read_model_file(path)
    _check_given(file.spec, images, rows, path)
    precision = _precision(file.spec, path)
    limits = gate_limits.changed(gates, precisions=(precision,))[precision]
    taps = [_tap(output) for output in file.spec.outputs]
    if images is None:
        with border.explained("it cannot be compared", where=path, remedy=border.REPORT):
            return verify_table(file, network_of(against), taps, path_of(rows), limits, say)
    request = _as_in_file(network_of(against), file.spec, path, say)
    network = load.load_network(request, headless.layers_of(taps))
    same_weights = network.weights.sha256 == file.spec.source.weights_sha256
    if not same_weights:
        say(f"note: the weights differ from those {path.name} was made from")
    judged = pictures.from_folder(Path(images), file.spec.input, at_most=count, say=say)
    say(f"comparing {path.name} with Keras on {len(judged)} pictures")
    with border.explained("it cannot be compared", where=path, remedy=border.REPORT):
        reference = _reference(network, taps, file.spec, path)
        parities = parity.measure(path, reference, judged, file=path.name)
    gate_limits.require(parities, limits, file=path.name, reference=reference.name)
    return VerifiedFile(
        path=path,
        spec=file.spec,
        size_bytes=file.size_bytes,
        parities=parities,
        same_weights=same_weights,
    )


def _check_given(spec: ModelSpec, images: object, rows: object, path: Path) -> None:
    """Refuse what does not go with a file: pictures, rows, or neither."""
    if spec.picture is not None and spec.columns and spec.features_fingerprint is None:
        raise ExportError(
            "its features hang on a picture and columns together, and such pairs are not compared"
            " here",
            where=path,
            remedy="`edgefeat info FILE --self-test` compares it with Keras's own features;"
            " `edgefeat-export build` measures it anew.",
        )
    if spec.picture is None:
        surplus, takes = (images, "images"), "columns, and no pictures"
    else:
        surplus, takes = (rows, "rows"), "pictures"
    if surplus[0] is not None:
        raise OptionError(f"the file takes {takes}", where=path, option=surplus[1])
    if spec.picture is not None and images is None:
        raise OptionError(
            "expected a folder of pictures to compare on, got none", where=path, option="images"
        )


def _precision(spec: ModelSpec, path: Path) -> Precision:
    if spec.precision not in list(Precision):
        raise ExportError(
            f"expected one of the precisions {', '.join(Precision)}, got {spec.precision!r}",
            where=path,
            remedy="Install the edgefeat-export that made this file.",
        )
    return Precision(spec.precision)


def _as_in_file(against: NetworkRequest, spec: ModelSpec, path: Path, say: Say) -> NetworkRequest:
    """Return the request with what the file records: size and, if left out, normalisation."""
    against = replace(against, size_hw=spec.input.size_hw)
    if not networks.is_model_file(against.name) or against.declared is not None:
        return against
    recorded = Normalisation.recorded_in(spec, where=path)
    if recorded is None:
        return against
    say(f"normalisation as in the file: mean {recorded.mean}, std {recorded.std}")
    return replace(against, normalisation=recorded)


def _reference(
    network: Network, taps: Sequence[Tap], spec: ModelSpec, path: Path
) -> KerasReference:
    """Return the network cut where the file says, with the file's own PCA behind it."""
    reduced = spec.primary.reduced_from is not None
    projection = reduction.read_projection(onnx.load(path)) if reduced else None
    return KerasReference(
        headless=network.cut(taps),
        normalisation=network.normalisation,
        reduction=reduction.Reduction(projection=projection, l2=spec.primary.l2_normalised),
    )


def _tap(output: OutputSpec) -> Tap:
    if output.pooling is not None:
        return Tap(layer=output.source_layer, pooling=Pooling(output.pooling))
    pooling = Pooling.NONE if output.kind is OutputKind.MAP else None
    return Tap(layer=output.source_layer, pooling=pooling)
