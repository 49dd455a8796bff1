"""Which network is meant, and how it is to be opened: the options of `build` and `verify`."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from edgefeat.errors import OptionError
from edgefeat_export.networks.normalisation import Normalisation

__all__ = ["NetworkRequest"]


@dataclass(frozen=True, slots=True)
class NetworkRequest:
    """A network by name, or a saved model by path, with the options that apply to it.

        NetworkRequest("mobilenet", alpha=0.25, weights="none")
        NetworkRequest("my_model.keras", input_range=(-1, 1), export_name="mine")

    Attributes:
        name: A backbone of the catalogue, or the path of a `.keras` or `.h5` file or of a
            SavedModel folder.
        weights: `imagenet` (released), `none` (random) or a weights file; for a backbone only.
        size_hw: Height and width of the input in pixels; None takes the network's own.
        alpha: Width multiplier of a backbone, where the family has one; None is 1.
        minimalistic: Whether to take the variant of MobileNetV3 that is made of plain layers.
        input_range: What pixels 0..255 were scaled to when a saved model was trained, such as
            (-1, 1).
        normalisation: What a saved model expects of a pixel, in place of `input_range`: a
            `Normalisation`, or its text: `tf`, `caffe`, `torch`, `none` or MEAN/STD.
        opaque: Whether every picture counts as opaque, of a saved model that takes alpha as a
            fourth channel.
        export_name: Name of a saved model's export; None takes the file's.
        licence: SPDX identifier of a saved model's weights, for the record.
        signature: Which signature of a SavedModel is meant; None takes the default one.
        model_output: Which output of a saved model of several is meant: the end of the features is
            looked for on the way to it. None looks at all.
        allow_code: Whether code inside a saved model may run.
        code: A Python file with a saved model's own classes; it is run.

    Raises:
        OptionError: Both `input_range` and `normalisation` are given, or one of them makes no
            sense.
    """

    name: str
    _: KW_ONLY
    weights: str | Path = "imagenet"
    size_hw: tuple[int, int] | None = None
    alpha: float | None = None
    minimalistic: bool = False
    input_range: tuple[float, float] | None = None
    normalisation: Normalisation | str | None = None
    opaque: bool = False
    export_name: str | None = None
    licence: str | None = None
    signature: str | None = None
    model_output: str | None = None
    allow_code: bool = False
    code: Path | None = None

    def __post_init__(self) -> None:
        if self.input_range is not None and self.normalisation is not None:
            raise OptionError(
                "says the same thing as a normalisation, got both",
                option="input_range",
                remedy="Give one of them.",
            )
        self.declared  # noqa: B018 - refuses a text or a range that makes no sense

    @property
    def declared(self) -> Normalisation | None:
        """What the user says that the model expects of a pixel; None if the user said nothing."""
        if self.input_range is not None:
            return Normalisation.from_range(*self.input_range)
        if isinstance(self.normalisation, str):
            return Normalisation.parse(self.normalisation)
        return self.normalisation
