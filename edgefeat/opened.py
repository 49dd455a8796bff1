"""A model opened: what prepares pictures and rows, what runs, and which vector comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from edgefeat.engine.cache import is_known
from edgefeat.engine.lazy import LazySession
from edgefeat.errors import OptionError
from edgefeat.model.columns import UNSEEN_OUTPUT, CategoryInput, TextInput
from edgefeat.model.file import ModelFile, read_model_file
from edgefeat.model.shipped import default_model
from edgefeat.model.spec import AnyInput, InputSpec, ModelSpec, OutputKind
from edgefeat.outputs import Chosen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgefeat.arrays import Features, Pixels
    from edgefeat.options.extractor import EngineOptions, ModelOptions
    from edgefeat.pictures.frame import FrameInput
    from edgefeat.pictures.preprocess import Preprocessor
    from edgefeat.rows.reader import RowReader
    from edgefeat.rows.running import RowRunner
    from edgefeat.rows.unseen import UnseenCounter

__all__ = ["OpenModel"]

# One image at a time is as fast as any batch on a CPU (batches of 32 are 1.2 to 1.6 times slower)
# and needs the least memory.
_BATCH_ON_CPU, _BATCH_ELSEWHERE = 1, 16


class OpenModel:
    """A model file that was read, checked and opened.

    Args:
        model: Which model, what is read of a picture or row, and which vector comes of it.
        engine: How the inference engine uses this machine.

    Attributes:
        path: The file.
        spec: What it says about itself.
        chosen: The outputs that make the vector.
        preprocess: Turns a picture into the graph's input; None where the model takes none.
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
            verify_key=model.verify_key,
            signature=model.signature,
        )
        self.path = file.path
        self.spec = file.spec
        self.chosen = Chosen.of(self.spec, model, where=self.path)
        _check_applicable(self.spec, model, self.path)
        self._max_text, self._normalize = model.max_text, model.normalize
        self._threads = engine.threads
        input_spec = _input_as_asked(file, model)
        self.fingerprint = self._sealed(file, input_spec)
        self.preprocess: Preprocessor | FrameInput | None = None
        if input_spec is not None:
            self.preprocess = _preprocessor(file, input_spec, threads=engine.threads)
        self._rows: tuple[RowReader, UnseenCounter | None] | None = None
        self.session = LazySession(file, engine, on_unload=self._forget)
        self.session.get()
        if self.spec.columns:
            self._of_rows()

    @property
    def rows_matter(self) -> bool:
        """Whether features depend on columns: those of a head are read by the head alone."""
        spec = self.spec
        return bool(spec.columns) and (spec.picture is None or spec.features_fingerprint is None)

    @property
    def providers(self) -> tuple[str, ...]:
        """The execution providers that really run, the first one in charge."""
        return self.session.get().providers

    @property
    def usual_batch(self) -> int:
        """How many pictures for each inference suit the provider that runs."""
        return _BATCH_ON_CPU if self.providers[0] == "cpu" else _BATCH_ELSEWHERE

    @property
    def usual_workers(self) -> int:
        """How many pictures this process should work on at once, with the threads of each."""
        from edgefeat.many.batches import default_workers

        return default_workers(self._threads)

    def refuse_row(self, row: object) -> None:
        """Refuse a row, or rows, where features depend on none beside a picture.

        Raises:
            OptionError: It is not None.
        """
        if row is not None:
            raise OptionError(
                "does not apply: features of this model do not depend on a row beside a picture",
                where=self.path,
                option="row",
            )

    def require_row(self, row: object) -> None:
        """Refuse a picture without a row where the model takes both.

        Raises:
            OptionError: There is none.
        """
        if row is None:
            names = ", ".join(column.name for column in self.spec.columns)
            raise OptionError(
                f"expected a row beside the picture, with the columns {names}",
                where=self.path,
                option="row",
            )

    @property
    def reader(self) -> RowReader:
        """Turns rows into the graph's inputs."""
        return self._of_rows()[0]

    @property
    def unseen(self) -> dict[str, int]:
        """How many values of each category column the model never saw, so far."""
        counter = self._of_rows()[1] if self.spec.columns else None
        return {} if counter is None else dict(counter.counts)

    def row_runner(self, names: Sequence[str], *, finite: Sequence[str]) -> RowRunner:
        """Return what runs rows for some outputs.

        Args:
            names: The outputs.
            finite: The outputs among them that must be finite numbers.
        """
        from edgefeat.rows.running import RowRunner

        reader, unseen = self._of_rows()

        def run(asked: Sequence[str], feed: Any) -> Any:
            return self.session.get().compute(asked, feed)

        return RowRunner(reader, unseen, run, names=names, finite=finite)

    def feature_runners(self) -> tuple[RowRunner, RowRunner]:
        """Return what runs rows for the outputs that make the vector, and for all features."""
        vector, every = list(self.chosen.shapes), [one.name for one in self.spec.features]
        return self.row_runner(vector, finite=vector), self.row_runner(every, finite=every)

    def _forget(self) -> None:
        """Give back what was planned for pictures."""
        if self.preprocess is not None:
            from edgefeat.pictures.resize import forget

            forget()

    def _of_rows(self) -> tuple[RowReader, UnseenCounter | None]:
        """Return what reads rows, made once; few models have columns."""
        if self._rows is None:
            from edgefeat.rows.reader import RowReader
            from edgefeat.rows.unseen import UnseenCounter

            columns = self.spec.columns
            categories = [one for one in columns if isinstance(one, CategoryInput)]
            counts = self.session.get().counts_unseen

            def count(feed: Any) -> Any:
                return self.session.get().compute([UNSEEN_OUTPUT], feed)[0]

            counter = UnseenCounter(categories, count if counts else None, where=self.path)
            self._rows = RowReader(columns, max_text=self._max_text), counter
        return self._rows

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

    def side_by_side(self, outputs: Mapping[str, Features]) -> Features:
        """Return the vectors that outputs make, as the options ask for them: float32 `(N, D)`."""
        features = self.chosen.side_by_side(outputs)
        return _unit_length(features) if self._normalize else features

    def every_output(self, images: Pixels) -> dict[str, Features]:
        """Return every output that is features; vectors have length 1 if the options ask for it.

        Args:
            images: uint8 `(N, height, width, channels)`, as the graph takes them.
        """
        return self.normalised(self.session.get().run(images))

    def normalised(self, outputs: dict[str, Features]) -> dict[str, Features]:
        """Return outputs, float32, with vectors of length 1 if the options ask for that."""
        if self._normalize:
            for one in self.spec.features:
                if one.kind is OutputKind.VECTOR:
                    outputs[one.name] = _unit_length(outputs[one.name])
        return outputs

    def _sealed(self, file: ModelFile, input_spec: InputSpec | None) -> str:
        """Return the fingerprint: the file's own, unless an option changes the vector.

        The vectors of a bundle are those of the model inside it, and so is its fingerprint. Those
        of a file with a head are the backbone's.
        """
        spec, frame = file.spec, file.spec.frame
        if self.chosen.is_primary and not self._normalize and input_spec == spec.picture:
            own = spec.features_fingerprint or spec.fingerprint
            return own if frame is None else frame.core_fingerprint
        from edgefeat.model.fingerprint import fingerprint

        return fingerprint(
            file.content_sha256 if frame is None else frame.core_content_sha256,
            _sealed_input(spec, input_spec),
            spec.outputs,
            l2=self._normalize,
            chosen=tuple(self.chosen.shapes),
        )


def _unit_length(features: Features) -> Features:
    from edgefeat.measures.similarity import l2_normalise  # most models are asked for no such thing

    return l2_normalise(features)


def _input_as_asked(file: ModelFile, model: ModelOptions) -> InputSpec | None:
    """Return the file's picture with the decode policy that was asked for."""
    picture = file.spec.picture
    if model.decode is None or picture is None:
        return picture
    if file.spec.frame is not None:
        raise OptionError(
            "does not apply to a bundle, which takes whole frames of one size", option="decode"
        )
    return replace(picture, resize=replace(picture.resize, decode=model.decode))


def _sealed_input(spec: ModelSpec, picture: InputSpec | None) -> InputSpec | tuple[AnyInput, ...]:
    """Return what the fingerprint covers, with the preprocessing of pictures that really runs."""
    if picture is None or not spec.lists_inputs:
        return spec.sealed_input if picture is None else picture
    return tuple(picture if isinstance(one, InputSpec) else one for one in spec.inputs)


def _check_applicable(spec: ModelSpec, model: ModelOptions, where: str) -> None:
    """Refuse options of pictures for a model without them, and those of texts likewise."""
    for option in ("decode", "max_pixels") if spec.picture is None else ():
        if getattr(model, option) != model.default_of(option):
            raise OptionError(
                "does not apply: the model takes no picture", where=where, option=option
            )
    if model.max_text is not None and not any(isinstance(c, TextInput) for c in spec.columns):
        raise OptionError("does not apply: the model takes no text", where=where, option="max_text")


def _preprocessor(
    file: ModelFile, input_spec: InputSpec, *, threads: int
) -> Preprocessor | FrameInput:
    """Return what prepares pictures. OpenCV is loaded here, and for pictures only."""
    try:
        from edgefeat.pictures.preprocess import Preprocessor
        from edgefeat.pictures.threads import limit_opencv_threads
    except (ImportError, AttributeError) as error:
        from edgefeat.installed.dependencies import explain

        if (explained := explain(error)) is None:
            raise
        raise explained from error
    limit_opencv_threads(threads)
    if file.spec.frame is None:
        return Preprocessor.from_spec(input_spec)
    from edgefeat.pictures.frame import FrameInput  # few models are bundles

    return FrameInput(spec=file.spec.frame)
