"""The feature extractor: a model opened once, pictures in, vectors out."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import ModelError
from edgefeat.images import DEFAULT_MAX_PIXELS, ImageInput, load_bgr
from edgefeat.modelfile import read_model_file
from edgefeat.preprocess import Preprocessor
from edgefeat.probe import GENERATOR, SelfTest, compare, probe_image
from edgefeat.session import Session
from edgefeat.shipped import default_model_path
from edgefeat.similarity import l2_normalise
from edgefeat.spec import Colour, DecodePolicy, ModelSpec, OutputKind, fingerprint

__all__ = ["FeatureExtractor", "extract"]

Features = NDArray[np.float32]
Pixels = NDArray[np.uint8]
ColourName = Literal["bgr", "rgb"]
# One image at a time is as fast as any batch on a CPU (batches of 32 are 1.2 to 1.6 times slower)
# and needs the least memory.
_BATCH = 1


class FeatureExtractor:
    """Turns pictures into feature vectors with one model; may be used from several threads.

    Args:
        model: A model file made by edgefeat-export; None takes the one shipped with edgefeat.
        providers: Execution providers by preference, such as `"cpu"` or `["cuda", "cpu"]`.
        strict: Whether it is an error if a less preferred provider runs than the first.
        threads: Threads inside one inference. More workers beat more threads; see the README.
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
        normalize: bool = False,
        decode: Literal["full", "reduced"] | None = None,
        max_pixels: int = DEFAULT_MAX_PIXELS,
    ) -> None:
        path = default_model_path() if model is None else Path(model)
        file = read_model_file(path)
        input_spec = file.spec.input
        if decode is not None:
            resize = replace(input_spec.resize, decode=DecodePolicy(decode))
            input_spec = replace(input_spec, resize=resize)
        if normalize and file.spec.primary.kind is not OutputKind.VECTOR:
            raise ValueError(f"normalize: {path} gives a feature map, which has no unit length")
        self.path = path
        self.spec: ModelSpec = file.spec
        self.dim: int = file.spec.dim
        self.fingerprint: str = fingerprint(
            file.content_sha256, input_spec, file.spec.outputs, l2=normalize
        )
        self._preprocess = Preprocessor.from_spec(input_spec)
        self._normalize = normalize
        self._max_pixels = max_pixels
        names = [providers] if isinstance(providers, str) else list(providers)
        self._session: Session | None = Session(
            path, file.spec, providers=names, strict=strict, threads=threads
        )
        self._lock = threading.Lock()

    @property
    def providers(self) -> tuple[str, ...]:
        """The execution providers that really run, the first one in charge."""
        return self._open_session().providers

    def extract(self, image: ImageInput, *, colour: ColourName = "bgr") -> Features:
        """Return one picture's features: float32 `(D,)`, or `(H, W, C)` for a map.

        Args:
            image: Path, encoded bytes, uint8 array or PIL image; see `edgefeat.images.load_bgr`.
            colour: Channel order if `image` is an array.

        Raises:
            ImageError: The picture cannot be read or used.
        """
        features: Features = self._primary(self.prepare(image, colour=colour)[np.newaxis])[0]
        return features

    def extract_batch(
        self, images: Iterable[ImageInput], *, colour: ColourName = "bgr", batch: int = _BATCH
    ) -> Features:
        """Return the features of several pictures, in order: float32 `(N, D)`.

        Args:
            images: Any iterable; taken `batch` at a time, so memory stays bounded.
            colour: Channel order of arrays among them.
            batch: Pictures per inference.

        Raises:
            ImageError: One of them cannot be read or used.
        """
        parts = list(self._batches(images, Colour(colour), batch))
        if not parts:
            return np.empty((0, *self.spec.primary.shape), np.float32)
        return np.concatenate(parts)

    def extract_outputs(
        self, image: ImageInput, *, colour: ColourName = "bgr"
    ) -> dict[str, Features]:
        """Return every output of the model by name, each float32 without the batch axis."""
        outputs = self._open_session().run(self.prepare(image, colour=colour)[np.newaxis])
        features = {name: array[0] for name, array in outputs.items()}
        if self._normalize:
            primary = self.spec.primary.name
            features[primary] = l2_normalise(features[primary])
        return features

    def prepare(self, image: ImageInput, *, colour: ColourName = "bgr") -> Pixels:
        """Return a picture as the graph takes it: uint8 `(height, width, channels)`."""
        frame = load_bgr(
            image,
            colour=Colour(colour),
            max_pixels=self._max_pixels,
            keep_side=self._preprocess.keep_side,
        )
        return self._preprocess(frame)

    def extract_prepared(self, images: Pixels) -> Features:
        """Return features of pictures that `prepare` made.

        Args:
            images: uint8 `(N, height, width, channels)` in the model's size and colour order.
        """
        return self._primary(images)

    def outputs_prepared(self, images: Pixels) -> dict[str, Features]:
        """Return every output, as the graph gives it, of pictures that `prepare` made.

        Args:
            images: uint8 `(N, height, width, channels)` in the model's size and colour order.
        """
        return self._open_session().run(images)

    def self_test(self) -> SelfTest:
        """Run the model's golden probe on this device and hold it against Keras's features.

        Raises:
            ModelError: The file carries no probe, or one this edgefeat cannot make.
        """
        probe = self.spec.probe
        if probe is None:
            raise ModelError(f"{self.path}: carries no probe to test against. Export it again.")
        if probe.generator != GENERATOR:
            raise ModelError(
                f"{self.path}: probe.generator: expected {GENERATOR!r}, got {probe.generator!r}. "
                "Install the edgefeat that goes with this model."
            )
        image = probe_image(probe.seed, probe.size_hw, self.spec.input.channels)
        return compare(probe, self._open_session().run_primary(image[np.newaxis])[0])

    def close(self) -> None:
        """Give the model's memory back; closing twice is fine."""
        with self._lock:
            self._session = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open_session(self) -> Session:
        session = self._session
        if session is None:
            raise ModelError(f"{self.path}: this extractor was closed. Make a new one.")
        return session

    def _primary(self, images: Pixels) -> Features:
        features = self._open_session().run_primary(images)
        return l2_normalise(features) if self._normalize else features

    def _batches(
        self, images: Iterable[ImageInput], colour: Colour, batch: int
    ) -> Iterator[Features]:
        if batch < 1:
            raise ValueError(f"batch: expected 1 or more, got {batch}")
        remaining = iter(images)
        name: ColourName = "rgb" if colour is Colour.RGB else "bgr"
        while group := list(islice(remaining, batch)):
            yield self._primary(np.stack([self.prepare(image, colour=name) for image in group]))


_shared_lock = threading.Lock()
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
