"""Puts finished files in place: all of them, or none."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import onnx

from edgefeat import FeatureExtractor
from edgefeat.model.spec import ModelSpec
from edgefeat_export.errors import ExportError, VerificationError
from edgefeat_export.pipeline.request import Built
from edgefeat_export.pipeline.specs import file_name
from edgefeat_export.proof.stamp import stamp, temporary_beside

__all__ = ["Draft", "make_folder", "publish"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A verified graph with everything its file will say."""

    model: onnx.ModelProto
    spec: ModelSpec


def make_folder(folder: Path) -> None:
    """Make the output folder before any work goes into files for it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(
            f"{folder}: cannot be made a folder: {error.strerror}. Choose another one."
        ) from error


def publish(drafts: Sequence[Draft], folder: Path) -> list[Built]:
    """Stamp every file under a temporary name, run its self-test, then rename all.

    Raises:
        ExportError: A file cannot be written or fails its self-test; nothing was replaced.
    """
    with ExitStack() as stack:
        ready = []
        for draft in drafts:
            target = folder / file_name(draft.spec)
            temporary = stack.enter_context(temporary_beside(target))
            stamp(draft.model, draft.spec, temporary)
            _self_test(temporary, target)
            ready.append((temporary, target, draft.spec))
        built = []
        for temporary, target, spec in ready:
            temporary.replace(target)
            built.append(Built(path=target, spec=spec, size_bytes=target.stat().st_size))
    return built


def _self_test(path: Path, target: Path) -> None:
    with FeatureExtractor(path, outputs="features") as extractor:
        result = extractor.self_test()
    if not result:
        raise VerificationError(
            f"{target.name}: its own self-test fails here: relative L2 "
            f"{result.relative_l2:.2e}, allowed {result.relative_l2_max:.2e}.",
            reasons=[
                {
                    "output": "features",
                    "gate": "probe_relative_l2",
                    "needed": result.relative_l2_max,
                    "got": result.relative_l2,
                }
            ],
        )
