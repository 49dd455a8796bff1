"""Measures anew what a cosine means for a finished file's features, and writes it into the file."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import onnx

from edgefeat.model.file import read_model_file
from edgefeat.model.spec import ModelSpec, OutputKind, Similarity
from edgefeat_export.errors import ExportError
from edgefeat_export.pipeline.request import Say, path_of, silent
from edgefeat_export.proof import likeness, stamp

__all__ = ["levels"]


def levels(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    images: str | os.PathLike[str] | None = None,
    say: Say = silent,
) -> Similarity:
    """Measure which cosines near-duplicates have under a finished model file.

        levels("models/my_model_224_int8.onnx", "my_model.onnx", images="photos/")

    Features and fingerprint stay as they are, so sets that the file made stay of use.

    Args:
        model: A file that takes pictures and gives vectors.
        output: Where to write the file with its new levels, such as `model` itself; None writes
            nothing.
        images: Folder of photos like those that the model will see; None takes photos that packages
            ship.
        say: Takes lines of progress.

    Raises:
        ExportError: The file takes no plain pictures, gives maps, or tells no photos apart; or the
            output cannot be written.
        ModelError: The file is missing, damaged or not one of edgefeat.
        SourceError: The folder has no picture.
    """
    path, place = Path(model), path_of(output)
    spec = read_model_file(path).spec
    _check(spec, path)
    found = likeness.measure(path, path_of(images), say)
    if found is None:
        raise ExportError(
            "no level can be told of these photos",
            where=path,
            remedy="Give others with {option}: photos of different things.",
            option="images",
        )
    if place is not None:
        stamp.stamp(onnx.load(path), replace(spec, similarity=found), place)
        say(f"wrote {place}")
    return found


def _check(spec: ModelSpec, path: Path) -> None:
    """Refuse a file whose vectors do not come of a picture alone."""
    if spec.picture is None or (spec.columns and spec.features_fingerprint is None):
        raise ExportError(
            "expected a file whose features depend on a picture alone, got one with columns",
            where=path,
        )
    if spec.frame is not None:
        raise ExportError(
            "expected a model file, got a bundle, which takes frames of one size",
            where=path,
            remedy="Give the file that the bundle was made from, and bundle it again.",
        )
    if spec.primary.kind is not OutputKind.VECTOR:
        raise ExportError("its features are a map, and cosines are those of vectors", where=path)
