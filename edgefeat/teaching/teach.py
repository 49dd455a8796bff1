"""Teaching: pictures with classes become a model file that knows them, on the device itself."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgefeat import __version__, atomic
from edgefeat.errors import ImageError, OptionError, SinkError
from edgefeat.extractor import FeatureExtractor
from edgefeat.model.file import KEY_VARIABLE, ModelFile, read_model_file
from edgefeat.model.probe import probe_image
from edgefeat.model.shipped import default_model
from edgefeat.options.extractor import EngineOptions, ModelOptions
from edgefeat.options.teaching import TeachingOptions
from edgefeat.teaching.calibration import interval
from edgefeat.teaching.learning import Learnt, learn
from edgefeat.teaching.lessons import Asked, Lessons, collect
from edgefeat.teaching.memory import Shown, recalled
from edgefeat.teaching.proving import prove_file, prove_head
from edgefeat.teaching.report import Size, Taught, report
from edgefeat.teaching.showing import put_together
from edgefeat.teaching.writing import (
    BareModel,
    backbone_bytes,
    check_backbone,
    taught_bytes,
)

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels
    from edgefeat.corpus.summary import CorpusStep

__all__ = ["teach", "teach_file"]

_TEACHING = TeachingOptions()
_PROVED_PICTURES = 8
_ENGINE = EngineOptions()


def teach(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    model: str | os.PathLike[str] | None = None,
    add: bool = _TEACHING.add,
    overwrite: bool = _TEACHING.overwrite,
    one_class: bool = _TEACHING.one_class,
    key: str | None = _TEACHING.key,
    label: str | None = _TEACHING.label,
    value: str | None = _TEACHING.value,
    unknown: float = _TEACHING.unknown,
    unknown_name: str = _TEACHING.unknown_name,
    keep: bool = _TEACHING.keep,
    before_writing: Callable[[Taught], object] = lambda _taught: None,
    on_step: Callable[[CorpusStep], object] = lambda _step: None,
) -> Taught:
    """Teach a model the classes of some pictures, and write a file that knows them.

        taught = edgefeat.teach("photos/", "mine.onnx")  # photos/cat/..., photos/dog/...
        taught.accuracy.share, taught.accuracy.low, taught.classes[0].said

    Nothing is trained by steps: the classifier is computed at once from the features, and its
    accuracy by leaving out each picture in turn. The file gives `label` and `probabilities` beside
    `features`, which stay those of the model in every byte.

    Args:
        source: A folder with a folder for each class; a CSV file with a column of paths and one of
            classes; or a set that `edgefeat extract` wrote.
        output: The model file to write.
        model: The model whose features are taken; None takes the shipped one, or with `add` the one
            in the file.
        add: Whether the output is there and gets more pictures or classes; it needs no old photos.
        overwrite: Whether an output that is there goes.
        one_class: Whether to learn only what the pictures look like: the file then says `normal` or
            `unlike`, and a distance.
        key: The column of paths in a table.
        label: The column of classes in a table.
        value: The column of numbers in a table; the file then gives a number, and no class.
        unknown: The share of pictures like those shown that may be called unknown; 0 calls none so.
        unknown_name: What a picture of no class is called.
        keep: Whether the file keeps the features of the pictures, so that more can be added.
        before_writing: Called with what was learnt before the file is written.
        on_step: Called after each picture.

    Raises:
        ModelError: The model is missing, or cannot be taught.
        OptionError: An option's value is wrong, or does not go with another one.
        SinkError: The output is there, or cannot be written.
        SourceError: There is too little to learn from.
    """
    options = TeachingOptions.of(
        add=add,
        overwrite=overwrite,
        one_class=one_class,
        key=key,
        label=label,
        value=value,
        unknown=unknown,
        unknown_name=unknown_name,
        keep=keep,
    )
    return teach_file(
        source,
        output,
        options,
        model=None if model is None else os.fspath(model),
        before_writing=before_writing,
        on_step=on_step,
    )


def teach_file(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    options: TeachingOptions,
    *,
    model: str | None = None,
    engine: EngineOptions = _ENGINE,
    before_writing: Callable[[Taught], object] = lambda _taught: None,
    on_step: Callable[[CorpusStep], object] = lambda _step: None,
) -> Taught:
    """Do what `teach` does, with a whole record of options, as the command has it.

    Args:
        source: See `teach`.
        output: See `teach`.
        options: What `teach` calls by their names.
        model: See `teach`.
        engine: How the model runs that makes the features.
        before_writing: See `teach`.
        on_step: See `teach`.

    Raises:
        EdgefeatError: As by `teach`.
    """
    place = Path(output)
    if KEY_VARIABLE in os.environ:
        raise OptionError(
            "demands signed models, and what is taught here is not signed",
            where=KEY_VARIABLE,
            remedy="Teach where models are made and signed, or unset it.",
        )
    _check_output(place, options, model)
    source_file = read_model_file(place if options.add else model or default_model())
    check_backbone(source_file)
    backbone = backbone_bytes(source_file)
    old = recalled(backbone.memory, where=str(place)) if options.add else None
    with _bare_file(source_file, backbone) as file:
        with FeatureExtractor.from_options(ModelOptions.of(model=file.path), engine) as extractor:
            asked = Asked(
                one_class=options.one_class,
                key=options.key,
                label=options.label,
                value=options.value,
            )
            lessons = collect(source, extractor, asked, engine=engine, on_step=on_step)
            pictures = _some_pictures(extractor, lessons)
        together = put_together(lessons, old, where=source)
        learnt = learn(
            together.shown,
            unknown=options.unknown,
            unknown_name=options.unknown_name,
            where=source,
        )
        prove_head(learnt.head, together.shown.features, where=place)
        kept = together.shown if options.keep else None
        told = _told(learnt, together.shown)
        done = taught_bytes(backbone, learnt.head, kept, told, where=source_file.path)
        similarity = backbone.spec.similarity
        taught = report(
            learnt,
            together,
            lessons,
            near=None if similarity is None else similarity.near,
            size=Size(file=len(done.data), head=done.head, memory=done.memory),
            features_fingerprint=backbone.spec.fingerprint,
        )
        before_writing(taught)
        with atomic.explained(place), atomic.Spool(place) as spool:
            spool.file.write(done.data)
            spool.file.flush()
            prove_file(read_model_file(spool.part), file, learnt.head, pictures)
            spool.publish()
    return taught


def _check_output(place: Path, options: TeachingOptions, model: str | None) -> None:
    atomic.check_place(place)
    if options.add and model is not None:
        raise OptionError(
            "does not go with add: the model is the one in the output", option="model"
        )
    if not options.add and not options.overwrite and place.exists():
        raise SinkError(
            "something of this name exists",
            where=place,
            option="add",
            remedy="Pass {option} to add to what it was taught, or choose another name.",
        )


@contextmanager
def _bare_file(file: ModelFile, backbone: BareModel) -> Iterator[ModelFile]:
    """Give the file of the model without a head: the file itself, if it has none."""
    if file.spec.features_fingerprint is None:
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="edgefeat-") as folder:
        bare = Path(folder) / "backbone.onnx"
        bare.write_bytes(backbone.data)
        yield read_model_file(bare)


def _some_pictures(extractor: FeatureExtractor, lessons: Lessons) -> Pixels:
    """Return the probe picture and some of those that were shown, as the graph takes them."""
    size_hw, channels = extractor.spec.input.size_hw, extractor.spec.input.channels
    found = [probe_image(1, size_hw, channels)]
    step = max(1, len(lessons.paths) // _PROVED_PICTURES)
    for path in lessons.paths[::step][:_PROVED_PICTURES]:
        try:
            found.append(extractor.prepare(path))
        except ImageError:  # a set may be moved without its photos; features were enough to learn
            continue
    return np.stack(found)


def _told(learnt: Learnt, shown: Shown) -> dict[str, Any]:
    """Return how a head came about, for the spec of the file."""
    told: dict[str, Any] = {
        "kind": learnt.head.KIND,
        "method": learnt.method,
        "strength": learnt.strength,
        "pictures": len(shown),
        "edgefeat": __version__,
    }
    if shown.labels is not None:
        counts = np.bincount(shown.labels, minlength=len(shown.classes)).tolist()
        right = int((learnt.left_out.answers == shown.labels).sum())
        low, high = interval(right, len(shown))
        told["counts"] = dict(zip(shown.classes, counts, strict=True))
        told["left_out"] = {"right": right, "of": len(shown), "low": low, "high": high}
    if learnt.unlike is not None:
        told["unlike_expected"] = learnt.unlike
    return told
