"""The model-file contract: what an edgefeat `.onnx` file says about itself.

The JSON text under the metadata key `edgefeat.spec` is read into the records below, by
`edgefeat.model.parsing`, and written back from them. Keys this version does not know are kept in
`extra`, so that an older edgefeat never strips what a newer one wrote. Standard library only.
"""

# Without `from __future__ import annotations`: `codec` reads these, and text would cost it 1 ms.

import json
import re
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from math import prod
from typing import Any

from edgefeat.errors import OptionError
from edgefeat.model import codec
from edgefeat.model.frame import FRAME_INPUT, SPEC_VERSION_WITH_FRAME, FrameSpec
from edgefeat.record import Record

__all__ = [
    "METADATA_KEY",
    "PRIMARY_OUTPUT",
    "SPEC_VERSION",
    "Colour",
    "DecodePolicy",
    "InputSpec",
    "Interpolation",
    "ModelSpec",
    "OutputKind",
    "OutputSpec",
    "Parity",
    "Probe",
    "ResizeMode",
    "ResizeSpec",
    "Similarity",
    "SourceSpec",
]

METADATA_KEY = "edgefeat.spec"
PRIMARY_OUTPUT = "features"
SPEC_VERSION = "1.0"
_LONGEST_SIDE = 16384
Extra = Mapping[str, Any]


class Colour(StrEnum):
    """Channel order of three-channel pixels, or the one channel of grey ones."""

    RGB = "rgb"
    BGR = "bgr"
    GREY = "grey"


class ResizeMode(StrEnum):
    """How a picture of any shape meets the network's fixed one."""

    STRETCH = "stretch"
    CENTER_CROP = "center_crop"
    LETTERBOX = "letterbox"


class Interpolation(StrEnum):
    """How pixels are resampled; `edgefeat.pictures.resize` has the exact arithmetic."""

    ANTIALIAS = "antialias"
    BILINEAR = "bilinear"


class DecodePolicy(StrEnum):
    """Whether a JPEG may be decoded at a reduced scale (never below 2.25 times the input size)."""

    FULL = "full"
    REDUCED = "reduced"


class OutputKind(StrEnum):
    """A vector `(D,)` or a spatial feature map `(H, W, C)`."""

    VECTOR = "vector"
    MAP = "map"


class ResizeSpec(Record):
    """The steps between a picture and the graph's input.

    Args:
        mode: How a picture of any shape meets the network's fixed one.
        interpolation: How pixels are resampled.
        decode: Whether a large JPEG may be decoded at a reduced scale.
        crop_fraction: Share of the largest window that is kept; used with `center_crop`.
        pad_value: Grey level beside the picture, 0 to 255; used with `letterbox`.
        extra: Keys that this version does not know.
    """

    mode: ResizeMode = ResizeMode.STRETCH
    interpolation: Interpolation = Interpolation.ANTIALIAS
    decode: DecodePolicy = DecodePolicy.REDUCED
    crop_fraction: float = 1.0
    pad_value: int = 127
    extra: Extra = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0.0 < self.crop_fraction <= 1.0:
            raise OptionError(
                f"expected 0 < fraction <= 1, got {self.crop_fraction}", option="crop_fraction"
            )
        if not 0 <= self.pad_value <= 255:
            raise OptionError(f"expected 0 to 255, got {self.pad_value}", option="pad_value")


class InputSpec(Record):
    """The graph's one input: uint8 `(batch, height, width, channels)`, values 0 to 255.

    Args:
        name: The input's name in the graph.
        size_hw: Height and width in pixels.
        colour: Channel order.
        resize: How a picture becomes that size.
        extra: Keys that this version does not know.
    """

    name: str = "image"
    size_hw: tuple[int, int]
    colour: Colour = Colour.RGB
    resize: ResizeSpec = field(default_factory=ResizeSpec)
    extra: Extra = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not all(1 <= side <= _LONGEST_SIDE for side in self.size_hw):
            raise OptionError(
                f"expected sides of 1 to {_LONGEST_SIDE}, got {list(self.size_hw)}",
                option="size_hw",
            )

    @property
    def channels(self) -> int:
        """1 for grey input, else 3."""
        return 1 if self.colour is Colour.GREY else 3


class OutputSpec(Record):
    """One named output: what it is, its shape, and where it was cut.

    Args:
        name: The output's name in the graph; the first is `features`.
        kind: A vector or a map.
        shape: The shape for one picture: `(D,)`, or `(height, width, channels)`.
        source_layer: The Keras layer after which it was cut.
        pooling: The pooling that was added: `avg`, `max` or `gem`; None for none.
        l2_normalised: Whether the graph scales it to unit length.
        reduced_from: How many numbers it had before the reduction inside the graph; None for no
            reduction.
        extra: Keys that this version does not know.
    """

    name: str
    kind: OutputKind
    shape: tuple[int, ...]
    source_layer: str
    pooling: str | None = None
    l2_normalised: bool = False
    reduced_from: int | None = None
    extra: Extra = field(default_factory=dict)

    def __post_init__(self) -> None:
        axes = 1 if self.kind is OutputKind.VECTOR else 3
        if len(self.shape) != axes or not all(side >= 1 for side in self.shape):
            raise OptionError(
                f"expected {axes} positive sizes, got {list(self.shape)}", option="shape"
            )


class SourceSpec(Record):
    """Where the network and its weights come from.

    Args:
        backbone: The architecture.
        weights: `imagenet`, `none` for random numbers, or the name of a file.
        weights_sha256: The hash of the weights' file.
        licence: The licence of the weights, as an SPDX identifier.
        tools: The versions of the programs that made the model file.
        extra: Keys that this version does not know.
    """

    backbone: str
    weights: str
    weights_sha256: str | None
    licence: str
    tools: Mapping[str, str] = field(default_factory=dict)
    extra: Extra = field(default_factory=dict)


class Parity(Record):
    """What verification measured against Keras, through this runtime, on real pictures.

    Args:
        images: How many pictures were compared.
        relative_l2_mean: Length of the difference to Keras's vector, divided by the length of
            Keras's: the mean over the pictures.
        relative_l2_max: Length of the difference divided by that of Keras's vector, for the worst
            picture.
        cosine_mean: Cosine to Keras's vector: the mean.
        cosine_p1: The first percentile of the cosines; None where the pictures were too few.
        cosine_min: The cosine of the worst picture.
        neighbour_overlap_10: The share of each picture's ten nearest neighbours by cosine that
            Keras's features give too.
        extra: Keys that this version does not know.
    """

    images: int
    relative_l2_mean: float
    relative_l2_max: float
    cosine_mean: float
    cosine_p1: float | None
    cosine_min: float
    neighbour_overlap_10: float | None = None
    extra: Extra = field(default_factory=dict)


class Similarity(Record):
    """What a cosine of two `features` of this model means, measured on copies of photos.

    Attributes:
        same: The smallest cosine of a picture to itself saved again.
        near: The smallest cosine of near-duplicates: scaled, mirrored, brighter, cropped a little.
        look: The smallest cosine of what is worth a look.
        other_p999: 99.9 % of the pairs of photos of different things stay below this cosine.
        extra: Keys that this version does not know.
    """

    same: float
    near: float
    look: float
    other_p999: float
    extra: Extra = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not -1.0 <= self.look <= self.near <= self.same <= 1.0:
            raise OptionError(
                f"expected look <= near <= same, got {self.look}, {self.near}, {self.same}",
                option="look",
            )


class Probe(Record):
    """The on-device self-test: a described picture, Keras's features for it, and a tolerance.

    Args:
        generator: The algorithm that makes the picture.
        seed: Number that the algorithm starts from.
        size_hw: The picture's height and width.
        expected: Keras's features: base64 of little-endian float16.
        relative_l2_max: How far a device may be off, relative to the length of the vector.
        features_sha256: The hash of the exact float32 bytes of the features. Integer arithmetic
            reproduces them on every CPU that does not saturate. None where none are exact.
        extra: Keys that this version does not know.
    """

    generator: str
    seed: int
    size_hw: tuple[int, int]
    expected: str
    relative_l2_max: float
    features_sha256: str | None = None
    extra: Extra = field(default_factory=dict)


class ModelSpec(Record):
    """Everything an edgefeat model file says about itself.

    Args:
        spec_version: The version of this contract.
        name: The network's name.
        precision: How weights are kept: `fp32`, `fp16` or `int8`.
        input: What the graph takes.
        outputs: What the graph gives; the first is called `features`.
        source: Where network and weights come from.
        parity: What was measured against Keras.
        probe: The self-test.
        similarity: What a cosine means; None if it was not measured.
        fingerprint: What two sets of vectors must share to be compared.
        frame: The raw frame that a bundle takes; None for a model that takes pictures.
        extra: Keys that this version does not know.
    """

    spec_version: str = SPEC_VERSION
    name: str
    precision: str
    input: InputSpec
    outputs: tuple[OutputSpec, ...]
    source: SourceSpec
    parity: Parity | None
    probe: Probe | None
    similarity: Similarity | None = field(default=None, metadata=codec.LEFT_OUT_IF_NONE)
    fingerprint: str
    frame: FrameSpec | None = None
    extra: Extra = field(default_factory=dict)

    def __post_init__(self) -> None:
        bundled = self.spec_version.startswith(f"{SPEC_VERSION_WITH_FRAME[0]}.")
        if bundled != (self.frame is not None):
            expected = "a frame" if bundled else "none"
            raise OptionError(f"expected {expected} in spec {self.spec_version}", option="frame")
        names = [output.name for output in self.outputs]
        if not names or names[0] != PRIMARY_OUTPUT:
            raise OptionError(
                f"expected the first to be {PRIMARY_OUTPUT!r}, got {names}", option="outputs"
            )
        if len(set(names)) != len(names):
            raise OptionError(f"expected different names, got {names}", option="outputs")
        if not re.fullmatch(r"[0-9a-f]{64}", self.fingerprint):
            raise OptionError(
                f"expected 64 hexadecimal digits, got {self.fingerprint!r}", option="fingerprint"
            )

    @property
    def graph_input(self) -> tuple[str, tuple[int, int, int]]:
        """The name of the graph's input, and its shape without the batch axis."""
        if self.frame is not None:
            return FRAME_INPUT, self.frame.shape
        return self.input.name, (*self.input.size_hw, self.input.channels)

    @property
    def primary(self) -> OutputSpec:
        """The first output, `features`."""
        return self.outputs[0]

    @property
    def dim(self) -> int:
        """How many numbers the primary output has."""
        return prod(self.primary.shape)

    def to_json(self) -> str:
        """Return the JSON text for the metadata key, keys in a fixed order."""
        document = codec.write(self)
        if self.frame is None:
            del document["frame"]
        return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
