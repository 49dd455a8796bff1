"""A graph becomes a draft of a file: sound, stamped, measured, held to its gates, probed.

The same for every precision and for `build` and `quantize`. Nothing is left under a final name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat.model.spec import ModelSpec, Parity
from edgefeat_export.graph import soundness
from edgefeat_export.pipeline import specs
from edgefeat_export.proof import gates, parity, stamp
from edgefeat_export.proof.gates import Gates
from edgefeat_export.proof.reference import Reference

__all__ = ["Draft", "prove"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A proven graph with everything its file will say.

    Attributes:
        path: Where the file will be.
        model: The graph.
        spec: What the file will say of itself, parity and probe included.
        parities: What was measured of each output, by its name.
    """

    path: Path
    model: onnx.ModelProto
    spec: ModelSpec
    parities: Mapping[str, Parity]


def prove(
    model: onnx.ModelProto,
    spec: ModelSpec,
    path: Path,
    *,
    reference: Reference,
    pictures: NDArray[np.uint8],
    limits: Gates,
    probe: specs.ProbeImage | None,
) -> Draft:
    """Measure a graph as a file through the installed runtime, and require its gates.

    Args:
        model: The graph.
        spec: What is known of the file before anything was measured.
        path: Where the file will be.
        reference: What the features are held against.
        pictures: uint8 `(N, height, width, channels)` at the graph's input.
        limits: What every output must reach.
        probe: The self-test's image and its right features; None leaves the file without one.

    Raises:
        ConversionError: The graph is not sound.
        VerificationError: The features are not alive, or a gate was missed.
        ExportError: The folder cannot be written to.
    """
    soundness.require_sound(model, spec)
    with stamp.beside(model, spec, path) as spool:
        parities = parity.measure(spool.part, reference, pictures, file=path.name)
        gates.require(parities, limits, file=path.name, reference=reference.name)
        made = None if probe is None else specs.make_probe(spool.part, spec, probe)
    spec = replace(spec, parity=specs.merged_parity(parities), probe=made)
    return Draft(path=path, model=model, spec=spec, parities=parities)
