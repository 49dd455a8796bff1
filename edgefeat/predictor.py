"""The whole decision: a photo and columns in, a label with probabilities out, with one file."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from edgefeat.errors import EdgefeatError, OptionError
from edgefeat.extractor import ColourName, FeatureExtractor, OnErrorName
from edgefeat.many.outcomes import up_to_error
from edgefeat.many.pairs import each_pair
from edgefeat.model.spec import ModelSpec
from edgefeat.options.extractor import EngineOptions, ModelOptions
from edgefeat.options.many import ManyOptions
from edgefeat.prediction import Answers, Prediction
from edgefeat.rows.running import one_by_one

if TYPE_CHECKING:
    from pathlib import Path

    from edgefeat.arrays import Pixels
    from edgefeat.model.probe import SelfTest
    from edgefeat.pictures.decode import ImageInput
    from edgefeat.rows.given import Row, Rows

__all__ = ["Predictor"]

_ENGINE = EngineOptions()
_MODEL = ModelOptions()


class Predictor:
    """Answers of a model with a head, for pictures, rows, or pictures with a row each.

        with edgefeat.Predictor("out.onnx") as p:
            p.predict("cat.jpg", {"age": 41})  # label, probabilities, features

    One predictor may be used from several threads, works after a fork, and can be pickled.

    Args:
        model: A file with a head, such as `edgefeat teach` or `edgefeat-export attach` writes.
        decode: How large JPEGs are decoded; None as the model says.
        max_pixels: Refuse pictures that claim more pixels, before they are decoded.
        any_operator: Whether to trust a model file with operators that edgefeat-export does not
            write.
        verify_key: The public key that must have signed the file; see `FeatureExtractor`.
        signature: The file's signature; None takes the one beside it.
        max_text: Characters that a text in a row may have; None for as many as the model says.
        providers: Execution providers by preference.
        strict: Whether a less preferred provider is refused.
        threads: Threads inside one inference.

    Raises:
        SignatureError: The file is not signed with the key.
        ModelError: The file is missing, foreign or damaged, or has no head.
        ProviderError: A provider is missing or does not run.
        OptionError: An option does not go with this model.
    """

    def __init__(
        self,
        model: str | PathLike[str],
        *,
        decode: Literal["full", "reduced"] | None = None,
        max_pixels: int = _MODEL.max_pixels,
        any_operator: bool = _MODEL.any_operator,
        verify_key: str | PathLike[str] | None = None,
        signature: str | PathLike[str] | bytes | None = None,
        max_text: int | None = _MODEL.max_text,
        providers: str | Iterable[str] = _ENGINE.providers,
        strict: bool = _ENGINE.strict,
        threads: int = _ENGINE.threads,
    ) -> None:
        chosen = providers if isinstance(providers, str) else tuple(providers)
        self._open(
            ModelOptions.of(
                model=model,
                decode=decode,
                max_pixels=max_pixels,
                any_operator=any_operator,
                verify_key=verify_key,
                signature=signature,
                max_text=max_text,
            ),
            EngineOptions.of(providers=chosen, strict=strict, threads=threads),
        )

    @classmethod
    def from_options(cls, model: ModelOptions, engine: EngineOptions = _ENGINE) -> Self:
        """Make a predictor of whole records of options, as commands do.

        Args:
            model: Which model, and what is read of a picture or row.
            engine: How the inference engine uses this machine.

        Raises:
            EdgefeatError: As by the class itself.
        """
        predictor = cls.__new__(cls)
        predictor._open(model, engine)
        return predictor

    def _open(self, model: ModelOptions, engine: EngineOptions) -> None:
        for option in ("outputs", "normalize"):
            if getattr(model, option) != model.default_of(option):
                raise OptionError(
                    "does not apply: a prediction has the model's own features", option=option
                )
        primary = ModelOptions.of(
            **{name: getattr(model, name) for name, _ in ModelOptions.each() if name != "outputs"},
            outputs="features",
        )
        extractor = FeatureExtractor.from_options(primary, engine)
        try:
            self._take(extractor)
        except BaseException:
            extractor.close()
            raise

    @classmethod
    def of(cls, extractor: FeatureExtractor) -> Self:
        """Return the answers of a model that is open as an extractor; both close together.

        Args:
            extractor: The model.

        Raises:
            ModelError: It has no head.
        """
        predictor = cls.__new__(cls)
        predictor._take(extractor)
        return predictor

    def _take(self, extractor: FeatureExtractor) -> None:
        self._extractor, self._opened = extractor, extractor._opened
        self._answers = Answers(self.spec, where=self._opened.path)
        self._runner = self._opened.row_runner(self._answers.names, finite=self._answers.finite)

    @property
    def path(self) -> Path:
        """The model file."""
        return self._extractor.path

    @property
    def spec(self) -> ModelSpec:
        """What the model file says about itself."""
        return self._extractor.spec

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes in the order of their probabilities; empty for a regression."""
        return self._answers.classes

    @property
    def fingerprint(self) -> str:
        """What `features` of two predictions must share to be compared: the backbone's."""
        return self._extractor.fingerprint

    @property
    def providers(self) -> tuple[str, ...]:
        """The execution providers that really run, the first one in charge."""
        return self._extractor.providers

    @property
    def unseen(self) -> dict[str, int]:
        """How many categories the model never saw, by column, since it was opened."""
        return self._extractor.unseen

    @property
    def extractor(self) -> FeatureExtractor:
        """The same model as an extractor of features; closed with this predictor."""
        return self._extractor

    def predict(
        self, image: ImageInput | Row, row: Row | None = None, *, colour: ColourName = "bgr"
    ) -> Prediction:
        """Return what the model says of a picture, of a row, or of a picture with a row.

        Args:
            image: A picture, as `FeatureExtractor.extract` takes it. Of a model that takes columns
                only, the row.
            row: The row beside the picture, where the model takes both.
            colour: Channel order if `image` is an array.

        Raises:
            ImageError: The picture cannot be read or used.
            RowError: A column is missing, unknown, or has a value that does not fit.
            OptionError: The model takes a row beside the picture and none came, or takes none.
        """
        self._check_row(row)
        given: Any = image
        if self.spec.picture is None:
            return self._answers.prediction(self._runner.one(given), 0)
        return self.predict_prepared(self._extractor.prepare(given, colour=colour), row)

    def predict_prepared(self, picture: Pixels, row: Row | None = None) -> Prediction:
        """Return what the model says of a picture that `extractor.prepare` made.

        Args:
            picture: uint8 `(height, width, channels)`.
            row: The row beside it.

        Raises:
            RowError: The row does not fit.
        """
        self._check_row(row)
        beside = {self.spec.graph_input[0]: picture[np.newaxis]}
        outputs = self._runner.one({} if row is None else row, beside)
        return self._answers.prediction(outputs, 0)

    def predict_batch(
        self,
        images: Iterable[ImageInput] | Rows,
        rows: Rows | None = None,
        *,
        colour: ColourName = "bgr",
        workers: int | None = 1,
        on_error: OnErrorName = "stop",
    ) -> list[Prediction | EdgefeatError]:
        """Return what the model says of several, in order; see `iter_predictions`.

        Args:
            images: Pictures. Of a model that takes columns only, rows in any form.
            rows: The rows beside the pictures, in any form, where the model takes both.
            colour: Channel order of arrays.
            workers: Pictures worked on at once; None takes one for each core, up to 4.
            on_error: `"stop"` raises the first error; `"skip"` puts it in the prediction's place.

        Raises:
            EdgefeatError: A picture or row cannot be used, and `on_error` is `"stop"`.
        """
        return list(
            self.iter_predictions(images, rows, colour=colour, workers=workers, on_error=on_error)
        )

    def iter_predictions(
        self,
        images: Iterable[ImageInput] | Rows,
        rows: Rows | None = None,
        *,
        colour: ColourName = "bgr",
        workers: int | None = 1,
        on_error: OnErrorName = "stop",
    ) -> Generator[Prediction | EdgefeatError, None, None]:
        """Yield what the model says of each, in order, from an iterable that may never end.

        Args:
            images: See `predict_batch`.
            rows: See `predict_batch`.
            colour: Channel order of arrays.
            workers: Pictures worked on at once; None takes one for each core, up to 4.
            on_error: `stop` raises the first error; `skip` yields it in the prediction's place.

        Raises:
            ValueError: There are more pictures than rows, or fewer.
        """
        many = ManyOptions.of(workers=workers, on_error=on_error)
        self._check_row(rows)
        found = (
            self._of_rows(images)
            if self.spec.picture is None
            else self._of_pictures(images, rows, colour, workers=many.workers)
        )
        return up_to_error(found, many.on_error)

    def _of_rows(self, rows: Any) -> Generator[Prediction | EdgefeatError, None, None]:
        for part in self._runner.parts(rows):
            yield from part.in_order(partial(self._answers.prediction, part.outputs))

    def _of_pictures(
        self, images: Any, rows: Any, colour: ColourName, *, workers: int | None
    ) -> Generator[Prediction | EdgefeatError, None, None]:
        from edgefeat.many.batches import check_several  # OpenCV: for pictures only

        def answer(image: Any, row: Any) -> Prediction:
            return self.predict_prepared(self._extractor.prepare(image, colour=colour), row)

        pictures = check_several(images)
        pairs: Iterable[tuple[Any, Any]]
        if rows is None:
            pairs = ((image, None) for image in pictures)
        else:
            pairs = zip(pictures, one_by_one(rows, self._opened.reader), strict=True)
        return each_pair(answer, pairs, workers=workers or self._opened.usual_workers)

    def _check_row(self, row: object) -> None:
        """Refuse a row where the model takes none beside a picture, and a missing one elsewhere."""
        if self.spec.picture is not None and self.spec.columns:
            self._opened.require_row(row)
        elif row is not None:
            takes = "a picture alone" if self.spec.picture is not None else "rows alone"
            raise OptionError(
                f"does not apply: the model takes {takes}", where=self.path, option="row"
            )

    def self_test(self) -> SelfTest:
        """Run the model's probe on this device: features, labels and probabilities.

        Raises:
            ModelError: The file carries no probe, or one this edgefeat cannot make.
        """
        return self._extractor.self_test()

    def close(self) -> None:
        """Give the model's memory back for good; closing twice is fine."""
        self._extractor.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).of, (self._extractor,)

    def __repr__(self) -> str:
        answers = f"{len(self.classes)} classes" if self.classes else "a value"
        return f"<Predictor {str(self.path)!r}: {self.spec.name}, {self.spec.precision}, {answers}>"
