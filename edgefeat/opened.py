"""A model opened for pictures: what prepares them, what runs, and which vector comes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edgefeat.engine.cache import is_known
from edgefeat.engine.lazy import LazySession
from edgefeat.errors import OptionError
from edgefeat.model.file import ModelFile, read_model_file
from edgefeat.model.shipped import default_model
from edgefeat.model.spec import InputSpec, OutputKind
from edgefeat.outputs import Chosen
from edgefeat.pictures.preprocess import Preprocessor
from edgefeat.pictures.resize import forget as forget_resize_graphs
from edgefeat.pictures.threads import limit_opencv_threads

if TYPE_CHECKING:
    from edgefeat.arrays import Features, Pixels
    from edgefeat.options.extractor import EngineOptions, ModelOptions
    from edgefeat.pictures.frame import FrameInput

__all__ = ["OpenModel"]


class OpenModel:
    """A model file that was read, checked and opened.

    Args:
        model: Which model, what is read of a picture, and which vector comes of it.
        engine: How the inference engine uses this machine.

    Attributes:
        path: The file.
        spec: What it says about itself.
        chosen: The outputs that make the vector.
        preprocess: Turns a picture into the graph's input.
        fingerprint: What two vectors must share to be compared.
        session: Runs the graph; it is open.

    Raises:
        ModelError: The file is missing, foreign or damaged.
        ProviderError: A provider is missing or does not run.
        OptionError: An option does not go with this model.
    """

    def __init__(self, model: ModelOptions, engine: EngineOptions) -> None:
        file = read_model_file(
            default_model() if model.model is None else model.model,
            is_known=is_known if engine.cache else None,
            any_operator=model.any_operator,
        )
        self.path = file.path
        self.spec = file.spec
        self.chosen = Chosen.of(self.spec, model, where=self.path)
        input_spec = _input_as_asked(file, model)
        self.preprocess = _preprocessor(file, input_spec)
        self._normalize = model.normalize
        self.fingerprint = self._sealed(file, input_spec)
        self.session = LazySession(file, engine, on_unload=forget_resize_graphs)
        limit_opencv_threads(engine.threads)
        self.session.get()

    def vectors(self, images: Pixels) -> Features:
        """Return the vectors that the options ask for: float32 `(N, D)`; one map as it is.

        Args:
            images: uint8 `(N, height, width, channels)`, as the graph takes them.
        """
        session = self.session.get()
        if self.chosen.is_primary:
            features = session.run_primary(images)
        else:
            features = self.chosen.side_by_side(session.run(images))
        return _unit_length(features) if self._normalize else features

    def every_output(self, images: Pixels) -> dict[str, Features]:
        """Return every output that is features; vectors have length 1 if the options ask for it.

        Args:
            images: uint8 `(N, height, width, channels)`, as the graph takes them.
        """
        outputs = self.session.get().run(images)
        if self._normalize:
            for one in self.spec.features:
                if one.kind is OutputKind.VECTOR:
                    outputs[one.name] = _unit_length(outputs[one.name])
        return outputs

    def _sealed(self, file: ModelFile, input_spec: InputSpec) -> str:
        """Return the fingerprint: the file's own, unless an option changes the vector.

        The vectors of a bundle are those of the model inside it, and so is its fingerprint. Those
        of a file with a head are the backbone's.
        """
        spec, frame = file.spec, file.spec.frame
        if self.chosen.is_primary and not self._normalize and input_spec == spec.input:
            own = spec.features_fingerprint or spec.fingerprint
            return own if frame is None else frame.core_fingerprint
        from edgefeat.model.fingerprint import fingerprint

        return fingerprint(
            file.content_sha256 if frame is None else frame.core_content_sha256,
            input_spec,
            spec.outputs,
            l2=self._normalize,
            chosen=tuple(self.chosen.shapes),
        )


def _unit_length(features: Features) -> Features:
    from edgefeat.measures.similarity import l2_normalise  # most models are asked for no such thing

    return l2_normalise(features)


def _input_as_asked(file: ModelFile, model: ModelOptions) -> InputSpec:
    """Return the file's input with the decode policy that was asked for."""
    if model.decode is None:
        return file.spec.input
    if file.spec.frame is not None:
        raise OptionError(
            "does not apply to a bundle, which takes whole frames of one size", option="decode"
        )
    resize = replace(file.spec.input.resize, decode=model.decode)
    return replace(file.spec.input, resize=resize)


def _preprocessor(file: ModelFile, input_spec: InputSpec) -> Preprocessor | FrameInput:
    if file.spec.frame is None:
        return Preprocessor.from_spec(input_spec)
    from edgefeat.pictures.frame import FrameInput  # few models are bundles

    return FrameInput(spec=file.spec.frame)
