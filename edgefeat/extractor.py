"""The feature extractor: a model opened once, pictures or rows in, vectors out."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from inspect import cleandoc
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from edgefeat.errors import EdgefeatError
from edgefeat.model.spec import ModelSpec
from edgefeat.opened import OpenModel
from edgefeat.options.extractor import EngineOptions, ModelOptions
from edgefeat.options.option import explained
from edgefeat.picturewise import PictureFeatures, checked_colour

if TYPE_CHECKING:
    from pathlib import Path

    from edgefeat.arrays import Features, Pixels
    from edgefeat.model.probe import SelfTest
    from edgefeat.multimodal import MultimodalFeatures
    from edgefeat.pictures.decode import ImageInput
    from edgefeat.pictures.encoded import OnDamaged
    from edgefeat.rows.given import Row, Rows
    from edgefeat.rowwise import RowFeatures

__all__ = ["ColourName", "FeatureExtractor", "OnErrorName"]

ColourName = Literal["bgr", "rgb"]
OnErrorName = Literal["stop", "skip"]
_ENGINE = EngineOptions()
_MODEL = ModelOptions()


class FeatureExtractor:
    """Turns pictures, or rows of a table, into feature vectors with one model.

        with edgefeat.FeatureExtractor() as fx:
            fx.extract("cat.jpg")  # float32 (1280,)
            fx.extract_batch(["cat.jpg", "dog.jpg"])  # float32 (2, 1280)

        with edgefeat.FeatureExtractor("people.onnx") as fx:  # a model with columns
            fx.extract({"age": 41, "city": "Rome"})

    One extractor may be used from several threads. It works after a fork and can be pickled: the
    other process opens the model again. Closing it gives its memory back.

    A picture may be a path, the bytes of a file, an open binary file, a PIL image, or an array of
    uint8 or uint16: `(height, width)`, or `(height, width, channels)` with 3 or 4 channels. A row
    is a mapping of columns to values; `spec.columns` says what they may be.

    Raises:
        SignatureError: The file is not signed with the key that is demanded.
        ModelError: The file is missing, foreign or damaged.
        ProviderError: A provider is missing or does not run.
        OptionError: An option's value is out of range, or does not go with this model.

    Args:
    """

    def __init__(
        self,
        model: str | PathLike[str] | bytes | None = None,
        *,
        outputs: str | Sequence[str] | None = _MODEL.outputs,
        normalize: bool = _MODEL.normalize,
        decode: Literal["full", "reduced"] | None = None,
        max_pixels: int = _MODEL.max_pixels,
        any_operator: bool = _MODEL.any_operator,
        verify_key: str | PathLike[str] | None = None,
        signature: str | PathLike[str] | bytes | None = None,
        max_text: int | None = _MODEL.max_text,
        providers: str | Sequence[str] = _ENGINE.providers,
        strict: bool = _ENGINE.strict,
        threads: int = _ENGINE.threads,
        spinning: bool = _ENGINE.spinning,
        arena: bool = _ENGINE.arena,
        cache: bool = _ENGINE.cache,
        idle_unload_s: float | None = _ENGINE.idle_unload_s,
    ) -> None:
        self._open(
            ModelOptions.of(
                model=model,
                outputs=outputs,
                normalize=normalize,
                decode=decode,
                max_pixels=max_pixels,
                any_operator=any_operator,
                verify_key=verify_key,
                signature=signature,
                max_text=max_text,
            ),
            EngineOptions.of(
                providers=providers,
                strict=strict,
                threads=threads,
                spinning=spinning,
                arena=arena,
                cache=cache,
                idle_unload_s=idle_unload_s,
            ),
        )

    @classmethod
    def from_options(cls, model: ModelOptions = _MODEL, engine: EngineOptions = _ENGINE) -> Self:
        """Make an extractor of whole records of options, as commands do.

        Args:
            model: What the arguments from `model` to `max_text` say.
            engine: What the other arguments of the class say.

        Raises:
            EdgefeatError: As by the class itself.
        """
        extractor = cls.__new__(cls)
        extractor._open(model, engine)
        return extractor

    def _open(self, model: ModelOptions, engine: EngineOptions) -> None:
        self._options = model, engine
        self._opened = opened = OpenModel(model, engine)
        self._pictures = PictureFeatures(opened, max_pixels=model.max_pixels)
        self._features = _features_of(opened, self._pictures)

    @property
    def path(self) -> Path:
        """The model file."""
        from pathlib import Path

        return Path(self._opened.path)

    @property
    def spec(self) -> ModelSpec:
        """What the model file says about itself; `spec.outputs` lists all its outputs."""
        return self._opened.spec

    @property
    def outputs(self) -> dict[str, tuple[int, ...]]:
        """The outputs that make the vector, in order, by name: the shape of each for one picture.

        `spec.outputs` lists all that the model has.
        """
        return self._opened.chosen.shapes

    @property
    def dim(self) -> int:
        """How many numbers a vector has."""
        return self._opened.chosen.dim

    @property
    def fingerprint(self) -> str:
        """What two vectors must share to be compared: 64 hexadecimal digits.

        It changes with the model, the preprocessing, the chosen outputs and the normalisation.
        """
        return self._opened.fingerprint

    @property
    def providers(self) -> tuple[str, ...]:
        """The execution providers that really run, the first one in charge."""
        return self._opened.providers

    @property
    def unseen(self) -> dict[str, int]:
        """How many categories the model never saw, by column, since it was opened.

        Columns of a model that does not tell them are not in it.
        """
        return self._opened.unseen

    @property
    def reduces_jpegs(self) -> bool:
        """Whether large JPEGs that come encoded are decoded at a reduced scale."""
        return getattr(self._opened.preprocess, "keep_side", None) is not None  # a bundle has none

    @property
    def usual_batch(self) -> int:
        """How many pictures for each inference suit the provider that runs."""
        return self._opened.usual_batch

    @property
    def usual_workers(self) -> int:
        """How many pictures this process should work on at once, with the threads of each."""
        return self._opened.usual_workers

    def extract(
        self, image: ImageInput | Row, row: Row | None = None, *, colour: ColourName = "bgr"
    ) -> Features:
        """Return the features of one picture or row: float32 `(D,)`, or `(H, W, C)` for a map.

        Args:
            image: Path, encoded bytes, open binary file, array of uint8 or uint16, or PIL image.
                Of a model that takes columns only, the row. Of one that takes both, it may be one
                mapping, the picture by the name of its input.
            row: The row beside the picture, of a network that takes both.
            colour: Channel order if `image` is an array.

        Raises:
            ImageError: The picture cannot be read or used.
            RowError: A column is missing, unknown, or has a value that does not fit.
        """
        return self._features.extract(image, row, colour)

    def extract_batch(
        self,
        images: Iterable[ImageInput] | Rows,
        rows: Rows | None = None,
        *,
        colour: ColourName = "bgr",
        batch: int | None = None,
        workers: int | None = 1,
        on_error: OnErrorName = "stop",
        retries: int = 0,
    ) -> Features:
        """Return the features of several pictures or rows, in order: float32 `(N, D)`.

        Args:
            images: Any iterable; taken a few at a time, so memory stays bounded. Of a model that
                takes columns only, the rows: mappings, a mapping of columns, a frame of pandas or
                Polars, a table of Arrow, or a structured array.
            rows: The rows beside the pictures, of a network that takes both.
            colour: Channel order of arrays among them.
            batch: Pictures or rows for each inference; None takes what suits the provider.
            workers: Pictures worked on at once, from decoding to features; None takes one for each
                core, up to 4.
            on_error: `"stop"` raises the error of the first picture or row that cannot be used;
                `"skip"` goes on and gives it a row of NaN.
            retries: How often such a picture is tried again first.

        Raises:
            ImageError: A picture cannot be read or used, and `on_error` is `"stop"`.
            RowError: A row cannot be used, and `on_error` is `"stop"`; it tells which one.
        """
        found = self.iter_features(
            images,
            rows,
            colour=colour,
            batch=batch,
            workers=workers,
            on_error=on_error,
            retries=retries,
        )
        shape = self._opened.chosen.shape
        nothing = np.full(shape, np.nan, np.float32)
        vectors = [nothing if isinstance(one, EdgefeatError) else one for one in found]
        return np.stack(vectors) if vectors else np.empty((0, *shape), np.float32)

    def iter_features(
        self,
        images: Iterable[ImageInput] | Rows,
        rows: Rows | None = None,
        *,
        colour: ColourName = "bgr",
        batch: int | None = None,
        workers: int | None = 1,
        on_error: OnErrorName = "stop",
        retries: int = 0,
    ) -> Generator[Features | EdgefeatError, None, None]:
        """Yield each picture's or row's features, in order, from an iterable that may never end.

        Two workers give 1.6 to 2 times the throughput on two free cores: each does a whole
        picture, and they share the model. With `on_error="skip"` a picture that cannot be used
        gives its `ImageError` in the place of features, a row its `RowError`. Other arguments: see
        `extract_batch`.

        Args:
            images: Pictures; see `extract`. Of a model that takes columns only, rows.
            rows: The rows beside the pictures, of a network that takes both.
            colour: Channel order of those that are arrays.
            batch: Pictures in one inference; None takes what suits the provider.
            workers: Threads that work on pictures at once; None takes what suits the machine.
            on_error: `stop` raises the first error; `skip` yields it in the place of features.
            retries: How often a picture that cannot be read is tried again.
        """
        from edgefeat.options.many import ManyOptions

        checked_colour(colour)
        many = ManyOptions.of(batch=batch, workers=workers, on_error=on_error, retries=retries)
        return self._features.each(images, rows, colour, many)

    def extract_outputs(
        self, image: ImageInput | Row, row: Row | None = None, *, colour: ColourName = "bgr"
    ) -> dict[str, Features]:
        """Return every output of the model by name, each float32 without the batch axis.

        With `normalize`, each vector among them has length 1; maps stay as they are. Answers of a
        head are no features: `Predictor` gives them.

        Args:
            image: See `extract`.
            row: The row beside the picture, of a network that takes both.
            colour: Channel order if `image` is an array.
        """
        return self._features.every_output(image, row, colour)

    def decode(
        self,
        image: ImageInput,
        *,
        colour: ColourName = "bgr",
        on_damaged: OnDamaged | None = None,
    ) -> Pixels:
        """Return a picture decoded, the first stage: uint8 `(height, width, 3)`, BGR.

        A large JPEG, as a path or as bytes, is decoded at a reduced scale where the model's decode
        policy allows it.

        Args:
            image: See `extract`.
            colour: Channel order if `image` is an array.
            on_damaged: Called with a `DamagedPictureWarning` where a decoder reports damage. None:
                a Python warning.

        Raises:
            ImageError: The picture cannot be read or used.
        """
        return self._pictures.decode(image, colour, on_damaged)

    def resize(self, frame_bgr: Pixels) -> Pixels:
        """Return a decoded picture as the graph takes it, the second stage.

        Args:
            frame_bgr: uint8 `(H, W, 3)`, BGR.

        Returns:
            uint8 `(height, width, channels)` in the model's size and colour order.
        """
        return self._pictures.resize(frame_bgr)

    def prepare(
        self,
        image: ImageInput,
        *,
        colour: ColourName = "bgr",
        on_damaged: OnDamaged | None = None,
    ) -> Pixels:
        """Return a picture as the graph takes it: uint8 `(height, width, channels)`.

        See `decode` for the arguments.
        """
        return self._pictures.prepare(image, colour=colour, on_damaged=on_damaged)

    def extract_prepared(self, images: Pixels) -> Features:
        """Return features of pictures that `prepare` made, the third stage.

        Args:
            images: uint8 `(N, height, width, channels)` in the model's size and colour order.

        Raises:
            OptionError: The model takes a row beside each picture.
        """
        return self._pictures.extract_prepared(images)

    def outputs_prepared(self, images: Pixels) -> dict[str, Features]:
        """Return every output, normalised as by `extract_outputs`, of pictures `prepare` made.

        Args:
            images: uint8 `(N, height, width, channels)` in the model's size and colour order.

        Raises:
            OptionError: The model takes a row beside each picture.
        """
        return self._pictures.outputs_prepared(images)

    def self_test(self) -> SelfTest:
        """Run the model's probe on this device and compare it with Keras's features.

        The probe of a model with columns has rows; that of one with a head has right answers too.

        Raises:
            ModelError: The file carries no probe, or one this edgefeat cannot make.
        """
        from edgefeat.model.probe import run_probe

        opened = self._opened
        return run_probe(opened.spec, opened.session.get().compute, where=opened.path)

    def unload(self) -> None:
        """Give the model's memory back while idle; the next picture opens it again."""
        self._opened.session.unload()

    def close(self) -> None:
        """Give the model's memory back for good; closing twice is fine."""
        self._opened.session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_options, self._options

    def __repr__(self) -> str:
        spec = self.spec
        return (
            f"<FeatureExtractor {self._opened.path!r}: {spec.name}, {spec.precision}, "
            f"{self.dim} features, fingerprint {self.fingerprint[:12]}>"
        )


def _features_of(
    opened: OpenModel, pictures: PictureFeatures
) -> PictureFeatures | RowFeatures | MultimodalFeatures:
    """Return what makes features of what the model takes; few models have columns."""
    if not opened.rows_matter:
        return pictures
    if opened.preprocess is None:
        from edgefeat.rowwise import RowFeatures

        return RowFeatures(opened)
    from edgefeat.multimodal import MultimodalFeatures

    return MultimodalFeatures(opened, pictures)


if FeatureExtractor.__doc__:  # python -OO drops it
    FeatureExtractor.__doc__ = (
        f"{cleandoc(FeatureExtractor.__doc__)}\n{explained(ModelOptions, EngineOptions)}\n"
    )
