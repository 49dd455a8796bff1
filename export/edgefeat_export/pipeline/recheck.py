"""Holds a finished file against the Keras network it says it was made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import onnx

from edgefeat.model.file import read_model_file
from edgefeat.model.spec import ModelSpec, OutputKind, OutputSpec, Parity
from edgefeat_export.cut.headless import Pooling, Tap, cut
from edgefeat_export.cut.reduction import Reduction, read_projection
from edgefeat_export.errors import VerificationError
from edgefeat_export.networks.network import is_model_file, recorded_normalisation
from edgefeat_export.pipeline.build import load_network
from edgefeat_export.pipeline.request import NetworkRequest
from edgefeat_export.proof import pictures
from edgefeat_export.proof.gates import Gates, require
from edgefeat_export.proof.reference import KerasReference
from edgefeat_export.proof.verify import measure

__all__ = ["recheck"]


def recheck(
    path: Path,
    against: NetworkRequest,
    images: Path,
    gates: Mapping[str, Gates],
    *,
    at_most: int = 1000,
    say: Callable[[str], None] = lambda _line: None,
) -> dict[str, Parity]:
    """Measure a file against its Keras network on a folder of pictures, and require its gates.

    Args:
        path: The model file.
        against: Its network; size, cut and, where left out, normalisation come from the file.
        images: Folder of pictures.
        gates: By precision.
        at_most: Pictures, evenly spread over the folder.
        say: Takes a line of progress.

    Raises:
        VerificationError: A gate was missed.
        ExportError: Network or pictures cannot be loaded.
        ModelError: The file is damaged or not ours.
    """
    spec = read_model_file(path).spec
    if spec.precision not in gates:
        raise VerificationError(
            f"{path}: expected one of the precisions {', '.join(gates)}, got {spec.precision!r}"
        )
    network = load_network(_as_in_file(against, spec, say))
    if network.weights.sha256 != spec.source.weights_sha256:
        say(f"note: the weights differ from those {path.name} was made from")
    headless = cut(network.model, [_tap(o) for o in spec.outputs], end=network.head.layer)
    projection = read_projection(onnx.load(path)) if spec.primary.reduced_from else None
    reference = KerasReference(
        headless=headless,
        normalisation=network.normalisation,
        reduction=Reduction(projection=projection, l2=spec.primary.l2_normalised),
    )
    prepared = pictures.folder(images, spec.input, at_most=at_most, say=say)
    say(f"comparing {path.name} with Keras on {len(prepared)} pictures")
    parities = measure(path, reference, prepared)
    require(parities, gates[spec.precision], path.name)
    return parities


def _as_in_file(
    against: NetworkRequest, spec: ModelSpec, say: Callable[[str], None]
) -> NetworkRequest:
    against = replace(against, size_hw=spec.input.size_hw)
    recorded = recorded_normalisation(spec)
    if not is_model_file(against.name) or against.normalisation or recorded is None:
        return against
    say(f"normalisation as in the file: mean {recorded.mean}, std {recorded.std}")
    return replace(against, normalisation=recorded)


def _tap(output: OutputSpec) -> Tap:
    if output.pooling is not None:
        return Tap(layer=output.source_layer, pooling=Pooling(output.pooling))
    pooling = Pooling.NONE if output.kind is OutputKind.MAP else None
    return Tap(layer=output.source_layer, pooling=pooling)
