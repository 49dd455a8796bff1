"""Features for tables of pictures in Arrow's form: what Ray, Spark and other engines call.

    featurise = edgefeat.arrow.Featurise(image="content", keep=["path", "label"])
    batch = featurise(batch)  # a RecordBatch or Table in, the same kind out

It can be pickled: each process opens the model once, at its first batch. A model given as bytes
travels with it. Every row comes out, in order: one whose picture cannot be used has null features
and says why in `error`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, cast

from edgefeat.corpus.at_hand import Picture
from edgefeat.corpus.reading import ReadingExtractor
from edgefeat.errors import ImageError, ModelError, OptionError
from edgefeat.extractor import FeatureExtractor
from edgefeat.many.batches import features_in_order
from edgefeat.model import codec
from edgefeat.options.corpus import CorpusOptions
from edgefeat.options.extractor import ModelOptions
from edgefeat.options.output import OutputOptions
from edgefeat.sets.arrow_rows import feature_columns, feature_fields
from edgefeat.sets.info import SetInfo
from edgefeat.sets.parquet import METADATA_KEY, pyarrow_for
from edgefeat.sets.record import Failure

if TYPE_CHECKING:
    from edgefeat.options.corpus import OnDamaged

__all__ = ["Featurise"]

_MODEL = ModelOptions()
_OURS = ("features", "error", "damage")


class Featurise:
    """Turns batches with a column of pictures into batches with a column of features.

    Columns that come out: the kept ones; `features` (a list of numbers, or `output_NAME` for each
    of several outputs), null where there are none; with `store="i8"` or `"u8"` also `scale`;
    `error`, why there are none; `damage`, what the decoder said of a damaged picture.

    Args:
        model: A model file, or its bytes; None is the shipped one.
        image: The column of pictures: the bytes of files, or paths that every process can read.
        keep: Columns that come out as they went in.
        expect: The fingerprint that the model must have. Engines make one in the driver, so that
            a worker with another model's file is refused.
        outputs: Outputs of the model that make the vector; None is the first one.
        normalize: Whether vectors have length 1.
        decode: How large JPEGs are decoded; None is as the model says.
        max_pixels: Pictures that claim more are refused.
        store: How numbers are kept: float32, float16, or int8 with a scale a vector; uint8 where
            features are never negative.
        on_damaged: Whether a damaged picture keeps its features or fails.
        workers: Pictures worked on at once in a process; engines start a process a core.

    Raises:
        DependencyError: pyarrow is missing.
        OptionError: A kept column has the name of one that is made.
    """

    def __init__(
        self,
        model: str | PathLike[str] | bytes | None = None,
        *,
        image: str = "image",
        keep: Sequence[str] = (),
        expect: str | None = None,
        outputs: str | Sequence[str] | None = _MODEL.outputs,
        normalize: bool = _MODEL.normalize,
        decode: Literal["full", "reduced"] | None = None,
        max_pixels: int = _MODEL.max_pixels,
        store: Literal["f32", "f16", "i8", "u8"] = "f32",
        on_damaged: Literal["keep", "fail"] = "keep",
        workers: int = 1,
    ) -> None:
        pyarrow_for("edgefeat.arrow")
        taken = [name for name in keep if name in _OURS]
        if taken:
            raise OptionError(f"{taken[0]!r} is a column that is made", option="keep")
        self._options = ModelOptions.of(
            model=model,
            outputs=outputs,
            normalize=normalize,
            decode=decode,
            max_pixels=max_pixels,
        )
        self._store = OutputOptions.of(store=store).store
        self._on_damaged: OnDamaged = CorpusOptions.of(on_damaged=on_damaged).on_damaged
        self._workers = workers
        self.image, self.keep, self.expect = image, tuple(keep), expect
        self._opened: FeatureExtractor | None = None

    @property
    def info(self) -> SetInfo:
        """What the rows have in common; it opens the model."""
        return SetInfo.of(self._extractor(), self._store, from_files=True)

    @property
    def fingerprint(self) -> str:
        """The model's fingerprint; it opens the model."""
        return self._extractor().fingerprint

    def metadata(self) -> dict[str, str]:
        """Return what `FeatureSet.read` looks for in a schema's or column's metadata."""
        return {METADATA_KEY.decode(): json.dumps(codec.write(self.info))}

    def schema(self, given: Any) -> Any:
        """Return the schema of what comes out.

        Args:
            given: The schema of what goes in, as Arrow has it.

        Raises:
            OptionError: A column is missing.
        """
        arrow, _ = pyarrow_for("edgefeat.arrow")
        self._check(given.names)
        texts = [arrow.field(name, arrow.string()) for name in ("error", "damage")]
        kept = [given.field(name) for name in self.keep]
        return arrow.schema([*kept, *feature_fields(self.info), *texts], self.metadata())

    def __call__(self, batch: Any) -> Any:
        """Return the features of a RecordBatch or Table, as the same kind.

        Raises:
            ModelError: This process has another model than the one expected.
            OptionError: A column is missing, or holds no pictures.
        """
        schema = self.schema(batch.schema)
        found: list[Any] = []
        errors: list[str | None] = []
        damages: list[str | None] = []
        pictures = [self._picture(value, row) for row, value in enumerate(batch.column(self.image))]
        outcomes = features_in_order(
            ReadingExtractor(self._extractor(), self._on_damaged),
            cast("Any", pictures),
            workers=self._workers,
        )
        for picture, outcome in zip(pictures, outcomes, strict=True):
            failed = isinstance(outcome, ImageError)
            found.append(None if failed else outcome)
            errors.append(
                Failure.of("", outcome).reason if isinstance(outcome, ImageError) else None
            )
            damages.append(picture.damage)
        columns = {name: batch.column(name) for name in self.keep}
        columns |= feature_columns(self.info, found)
        columns |= {"error": errors, "damage": damages}
        return type(batch).from_pydict(columns, schema=schema)

    def _picture(self, value: Any, row: int) -> Picture:
        given = value.as_py()
        if isinstance(given, dict):  # as datasets of Hugging Face have it
            given = given.get("bytes") or given.get("path")
        if isinstance(given, str):
            return Picture(given, given)
        picture = Picture(f"row {row}", "")
        if given is None:
            picture.fault = ImageError("null, no picture")
        elif isinstance(given, bytes):
            picture.content = given
        else:
            raise OptionError(
                f"column {self.image!r}: expected bytes of pictures or paths, got "
                f"{type(given).__name__}",
                option="image",
            )
        return picture

    def _check(self, names: Sequence[str]) -> None:
        for option, wanted in (("image", (self.image,)), ("keep", self.keep)):
            missing = [name for name in wanted if name not in names]
            if missing:
                raise OptionError(
                    f"no column {missing[0]!r}: there are {', '.join(names)}", option=option
                )

    def _extractor(self) -> FeatureExtractor:
        if self._opened is None:
            self._opened = FeatureExtractor.from_options(self._options)
            if self.expect not in (None, self._opened.fingerprint):
                raise ModelError(
                    f"fingerprint: expected {str(self.expect)[:12]}, this process's model has "
                    f"{self._opened.fingerprint[:12]}",
                    remedy="Give every worker the same file, or the model as bytes.",
                )
        return self._opened

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_opened": None}
