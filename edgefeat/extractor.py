"""The feature extractor: a model opened once, pictures in, vectors out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from edgefeat import checks
from edgefeat.engine.cache import is_known
from edgefeat.engine.lazy import LazySession
from edgefeat.engine.session import EngineOptions
from edgefeat.errors import ImageError
from edgefeat.in_order import check_batch, check_several, map_groups
from edgefeat.locks import allocate_lock
from edgefeat.model.file import read_model_file
from edgefeat.model.shipped import default_model
from edgefeat.model.spec import Colour, DecodePolicy, ModelSpec, OutputKind, fingerprint
from edgefeat.pictures.decode import DEFAULT_MAX_PIXELS, ImageInput, load_bgr
from edgefeat.pictures.preprocess import Preprocessor
from edgefeat.pictures.resize import forget as forget_resize_graphs
from edgefeat.pictures.threads import limit_opencv_threads
from edgefeat.similarity import l2_normalise

if TYPE_CHECKING:
    from pathlib import Path

    from edgefeat.model.probe import SelfTest

__all__ = ["FeatureExtractor", "extract"]

Features = NDArray[np.float32]
Pixels = NDArray[np.uint8]
ColourName = Literal["bgr", "rgb"]
# One image at a time is as fast as any batch on a CPU (batches of 32 are 1.2 to 1.6 times slower)
# and needs the least memory.
_BATCH_ON_CPU, _BATCH_ELSEWHERE = 1, 16


class FeatureExtractor:
    """Turns pictures into feature vectors with one model; may be used from several threads.

    It works after a fork and can be pickled: the other process opens the model again.

    Args:
        model: A model file made by edgefeat-export; None takes the one shipped with edgefeat.
        providers: Execution providers by preference, such as `"cpu"` or `["cuda", "cpu"]`.
            `"auto"` takes the first accelerator that passes the model's self-test, else the CPU.
        strict: Whether it is an error if a less preferred provider runs than the first.
        threads: Threads inside one inference, and OpenCV's in this process unless you have set
            those. Two workers beat two threads: see `iter_features`.
        spinning, arena, cache: See `edgefeat.engine.session.EngineOptions`.
        idle_unload_s: Gives the model's memory back after so many seconds without a picture; the
            next one opens it again, which takes some 30 ms. None keeps it.
        normalize: Whether to scale vectors to unit length.
        decode: Overrides the model's decode policy: `"full"` or `"reduced"`.
        max_pixels: Pictures that claim more pixels are refused before decoding.

    Raises:
        ModelError: The file is missing, foreign or damaged.
        ProviderError: A provider is missing or does not run.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        providers: str | Sequence[str] = "cpu",
        strict: bool = True,
        threads: int = 1,
        spinning: bool = False,
        arena: bool = True,
        cache: bool = True,
        idle_unload_s: float | None = None,
        normalize: bool = False,
        decode: Literal["full", "reduced"] | None = None,
        max_pixels: int = DEFAULT_MAX_PIXELS,
    ) -> None:
        self._arguments = {key: value for key, value in locals().items() if key != "self"}
        engine = EngineOptions(threads=threads, spinning=spinning, arena=arena, cache=cache)
        path = default_model() if model is None else os.fspath(model)
        file = read_model_file(path, is_known=is_known if cache else None)
        input_spec = file.spec.input
        if decode is not None:
            policy = DecodePolicy(_checked("decode", decode, "full", "reduced"))
            resize = replace(input_spec.resize, decode=policy)
            input_spec = replace(input_spec, resize=resize)
        if normalize and file.spec.primary.kind is not OutputKind.VECTOR:
            raise ValueError(f"normalize: {path} gives a feature map, which has no unit length")
        self._path = path
        self.spec: ModelSpec = file.spec
        self.dim: int = file.spec.dim
        self.fingerprint: str = file.spec.fingerprint
        if normalize or input_spec != file.spec.input:
            self.fingerprint = fingerprint(
                file.content_sha256, input_spec, file.spec.outputs, l2=normalize
            )
        self._preprocess = Preprocessor.from_spec(input_spec)
        self._normalize = normalize
        self._max_pixels = checks.whole_number("max_pixels", max_pixels)
        self._session = LazySession(
            file,
            providers,
            strict=strict,
            engine=engine,
            idle_unload_s=idle_unload_s,
            on_unload=forget_resize_graphs,
        )
        limit_opencv_threads(threads)
        self._session.get()

    @property
    def path(self) -> Path:
        """The model file."""
        from pathlib import Path

        return Path(self._path)

    @property
    def providers(self) -> tuple[str, ...]:
        """The execution providers that really run, the first one in charge."""
        return self._session.get().providers

    def extract(self, image: ImageInput, *, colour: ColourName = "bgr") -> Features:
        """Return one picture's features: float32 `(D,)`, or `(H, W, C)` for a map.

        Args:
            image: Path, encoded bytes, uint8 array or PIL image; see
                `edgefeat.pictures.decode.load_bgr`.
            colour: Channel order if `image` is an array.

        Raises:
            ImageError: The picture cannot be read or used.
        """
        features: Features = self._primary(self.prepare(image, colour=colour)[np.newaxis])[0]
        return features

    def extract_batch(
        self,
        images: Iterable[ImageInput],
        *,
        colour: ColourName = "bgr",
        batch: int | None = None,
        threads: int = 1,
        on_error: Literal["raise", "nan"] = "raise",
    ) -> Features:
        """Return the features of several pictures, in order: float32 `(N, D)`.

        Args:
            images: Any iterable; taken a few at a time, so memory stays bounded.
            colour: Channel order of arrays among them.
            batch: Pictures per inference; None takes what suits the provider (CPU: 1).
            threads: Pictures worked on at once, from decoding to features.
            on_error: What a picture that cannot be read gives: the error, or a row of NaN.

        Raises:
            ImageError: One of them cannot be read or used, and `on_error` is `"raise"`.
        """
        _checked("on_error", on_error, "raise", "nan")
        keep: Literal["raise", "return"] = "raise" if on_error == "raise" else "return"
        found = self.iter_features(
            images, colour=colour, batch=batch, threads=threads, on_error=keep
        )
        shape = self.spec.primary.shape
        nothing = np.full(shape, np.nan, np.float32)
        rows = [nothing if isinstance(row, ImageError) else row for row in found]
        return np.stack(rows) if rows else np.empty((0, *shape), np.float32)

    def iter_features(
        self,
        images: Iterable[ImageInput],
        *,
        colour: ColourName = "bgr",
        batch: int | None = None,
        threads: int = 1,
        on_error: Literal["raise", "return"] = "raise",
    ) -> Iterator[Features | ImageError]:
        """Yield each picture's features, in order, from an iterable that may never end.

        Two threads give 1.6 to 2 times the throughput on two free cores: each does a whole
        picture, and they share the model. With `on_error="return"` a picture that cannot be read
        gives its `ImageError` in place of features. Other arguments: see `extract_batch`.
        """
        _checked("on_error", on_error, "raise", "return")
        check_several(images)
        if batch is None:
            batch = _BATCH_ON_CPU if self.providers[0] == "cpu" else _BATCH_ELSEWHERE
        _checked("colour", colour, "bgr", "rgb")

        def work(group: list[ImageInput]) -> list[Features | ImageError]:
            return self._group(group, colour, keep_errors=on_error == "return")

        return map_groups(work, images, size=check_batch(batch), threads=threads)

    def extract_outputs(
        self, image: ImageInput, *, colour: ColourName = "bgr"
    ) -> dict[str, Features]:
        """Return every output of the model by name, each float32 without the batch axis."""
        outputs = self._session.get().run(self.prepare(image, colour=colour)[np.newaxis])
        features = {name: array[0] for name, array in outputs.items()}
        if self._normalize:
            primary = self.spec.primary.name
            features[primary] = l2_normalise(features[primary])
        return features

    def prepare(self, image: ImageInput, *, colour: ColourName = "bgr") -> Pixels:
        """Return a picture as the graph takes it: uint8 `(height, width, channels)`."""
        frame = load_bgr(
            image,
            colour=Colour(_checked("colour", colour, "bgr", "rgb")),
            max_pixels=self._max_pixels,
            keep_side=self._preprocess.keep_side,
        )
        return self._preprocess(frame)

    def extract_prepared(self, images: Pixels) -> Features:
        """Return features of pictures that `prepare` made.

        Args:
            images: uint8 `(N, height, width, channels)` in the model's size and colour order.
        """
        return self._primary(self._preprocess.check(images))

    def outputs_prepared(self, images: Pixels) -> dict[str, Features]:
        """Return every output, as the graph gives it, of pictures that `prepare` made.

        Args:
            images: uint8 `(N, height, width, channels)` in the model's size and colour order.
        """
        return self._session.get().run(self._preprocess.check(images))

    def self_test(self) -> SelfTest:
        """Run the model's probe on this device and hold it against Keras's features.

        Raises:
            ModelError: The file carries no probe, or one this edgefeat cannot make.
        """
        from edgefeat.model.probe import run_probe

        return run_probe(self.spec, self._session.get().run_primary, where=self._path)

    def unload(self) -> None:
        """Give the model's memory back while idle; the next picture opens it again."""
        self._session.unload()

    def close(self) -> None:
        """Give the model's memory back for good; closing twice is fine."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self._arguments,)

    def _primary(self, images: Pixels) -> Features:
        features = self._session.get().run_primary(images)
        return l2_normalise(features) if self._normalize else features

    def _group(
        self, images: list[ImageInput], colour: ColourName, *, keep_errors: bool
    ) -> list[Features | ImageError]:
        prepared: list[Pixels | ImageError] = []
        for image in images:
            try:
                prepared.append(self.prepare(image, colour=colour))
            except ImageError as error:
                if not keep_errors:
                    raise
                prepared.append(error)
        good = [pixels for pixels in prepared if not isinstance(pixels, ImageError)]
        rows = iter(self._primary(np.stack(good)) if good else ())
        return [next(rows) if not isinstance(p, ImageError) else p for p in prepared]


def _checked(what: str, got: str, *choices: str) -> str:
    if got not in choices:
        expected = " or ".join(map(repr, choices))
        raise ValueError(f"{what}: expected {expected}, got {got!r}")
    return got


def _reopen(arguments: dict[str, Any]) -> FeatureExtractor:
    return FeatureExtractor(**arguments)


_shared_lock = allocate_lock()
_shared: FeatureExtractor | None = None


def extract(image: ImageInput, *, colour: ColourName = "bgr") -> Features:
    """Return one picture's features with the shipped model, opened once per process.

    Raises:
        ImageError: The picture cannot be read or used.
    """
    global _shared
    with _shared_lock:
        if _shared is None:
            _shared = FeatureExtractor()
    return _shared.extract(image, colour=colour)
