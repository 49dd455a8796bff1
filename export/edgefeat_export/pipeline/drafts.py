"""Proves a graph before its file may exist, and gathers what the file will say.

The graph is checked, written under a temporary name, and run. Its features are compared with the
right ones, and its self-test is made. The steps are the same for every precision, in `build` and in
`quantize`. No file is left behind.
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
from edgefeat_export.pipeline.request import Say
from edgefeat_export.proof import gates, likeness, parity, stamp
from edgefeat_export.proof.gates import Gates
from edgefeat_export.proof.reference import Reference

__all__ = ["Draft", "prove"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A proven graph with everything its file will say.

    Attributes:
        path: Final place of the file.
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
    photos: Path | None,
    say: Say,
) -> Draft:
    """Measure a graph as a file through the installed runtime, and require its gates.

    Args:
        model: The graph.
        spec: What is known of the file before anything was measured.
        path: Final place of the file.
        reference: Gives the right features to compare with.
        pictures: uint8 `(N, height, width, channels)` at the graph's input.
        limits: What every output must reach.
        probe: The self-test's image and its right features; None leaves the file without one.
        photos: The user's photos, whose copies tell what a cosine means; None takes those that
            packages ship.
        say: Takes lines of progress.

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
        levels = likeness.measure(spool.part, photos, say)
    spec = replace(spec, parity=specs.merged_parity(parities), probe=made, similarity=levels)
    return Draft(path=path, model=model, spec=spec, parities=parities)
