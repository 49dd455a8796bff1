"""The model-file contract: what an edgefeat `.onnx` file says about itself.

The JSON text under the metadata key `edgefeat.spec` is read into these records, by
`edgefeat.model.parsing`, and written back from them. Keys this version does not know are kept in
`extra`, so that an older edgefeat never strips what a newer one wrote. Standard library only.
"""

# Without `from __future__ import annotations`: `codec` reads these, and text would cost it 1 ms.

import json
import re
from collections.abc import Mapping
from dataclasses import field
from math import prod
from typing import Any

from edgefeat.errors import ModelError, OptionError
from edgefeat.model import codec
from edgefeat.model.columns import (
    UNSEEN_OUTPUT,
    CategoryInput,
    ColumnInput,
    IntegerInput,
    NumberInput,
    TextInput,
)
from edgefeat.model.evidence import Parity, Probe, Similarity
from edgefeat.model.frame import FRAME_INPUT, SPEC_VERSION_WITH_FRAME, FrameSpec
from edgefeat.model.outputs import OutputKind, OutputSpec
from edgefeat.model.picture import (
    Colour,
    DecodePolicy,
    InputSpec,
    Interpolation,
    ResizeMode,
    ResizeSpec,
)
from edgefeat.record import Record

__all__ = [
    "METADATA_KEY",
    "PRIMARY_OUTPUT",
    "SPEC_VERSION",
    "SPEC_VERSION_WITH_INPUTS",
    "AnyInput",
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
SPEC_VERSION_WITH_INPUTS = SPEC_VERSION_WITH_FRAME
"""Files with columns or with a head: they list their inputs."""
Extra = Mapping[str, Any]


AnyInput = InputSpec | NumberInput | IntegerInput | CategoryInput | TextInput
"""One input of a graph: a picture, or a column of one of four kinds."""


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


class ModelSpec(Record):
    """Everything an edgefeat model file says about itself.

    Args:
        spec_version: The version of this contract: 1.x for one picture in and features out; 2.x
            for a bundle, and for files with columns or with a head.
        name: The network's name.
        precision: How weights are kept: `fp32`, `fp16` or `int8`.
        inputs: What the graph takes, in order. In the file a spec 1.x and a bundle call their one
            picture `input`.
        outputs: What the graph gives; the first is called `features`.
        source: Where network and weights come from.
        parity: What was measured against Keras.
        probe: The self-test.
        similarity: What a cosine means; None if it was not measured.
        fingerprint: What two sets of vectors must share to be compared.
        features_fingerprint: Fingerprint of the backbone behind which a head stands; its features
            are equal in every byte and may be compared. None without a head.
        frame: The raw frame that a bundle takes; None for a model that takes pictures.
        extra: Keys that this version does not know.
    """

    spec_version: str = SPEC_VERSION
    name: str
    precision: str
    inputs: tuple[AnyInput, ...]
    outputs: tuple[OutputSpec, ...]
    source: SourceSpec
    parity: Parity | None
    probe: Probe | None
    similarity: Similarity | None = field(default=None, metadata=codec.LEFT_OUT_IF_NONE)
    fingerprint: str
    features_fingerprint: str | None = None
    frame: FrameSpec | None = None
    extra: Extra = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.frame is not None and not self._is_later:
            raise OptionError(f"expected none in spec {self.spec_version}", option="frame")
        self._check_inputs()
        self._check_outputs()
        for option in ("fingerprint", "features_fingerprint"):
            value = getattr(self, option)
            if value is None and option != "fingerprint":
                continue
            if not re.fullmatch(r"[0-9a-f]{64}", value):
                raise OptionError(f"expected 64 hexadecimal digits, got {value!r}", option=option)

    def _check_inputs(self) -> None:
        """Raise OptionError where inputs do not go together."""
        names = [name for one in self.inputs for name in _names_of(one)]
        if not self.lists_inputs:
            if len(self.inputs) != 1 or not isinstance(self.inputs[0], InputSpec):
                raise OptionError(
                    f"expected one picture in spec {self.spec_version}, got {names}",
                    option="inputs",
                )
            return
        if not names or len(set(names)) != len(names):
            raise OptionError(f"expected different names, got {names}", option="inputs")
        if sum(isinstance(one, InputSpec) for one in self.inputs) > 1:
            raise OptionError("expected one picture at most", option="inputs")

    def _check_outputs(self) -> None:
        """Raise OptionError where outputs do not go together, or not with this version."""
        names = [output.name for output in self.outputs]
        if not names or names[0] != PRIMARY_OUTPUT:
            raise OptionError(
                f"expected the first to be {PRIMARY_OUTPUT!r}, got {names}", option="outputs"
            )
        if len(set(names)) != len(names):
            raise OptionError(f"expected different names, got {names}", option="outputs")
        if not self.outputs[0].kind.is_feature:
            raise OptionError(
                f"expected the first to be features, got {self.outputs[0].kind}", option="outputs"
            )
        answers = [one for one in self.outputs if not one.kind.is_feature]
        if not self.lists_inputs:
            if answers or self.features_fingerprint is not None:
                raise OptionError(
                    f"expected only features in spec {self.spec_version}", option="outputs"
                )
        elif UNSEEN_OUTPUT in names:
            raise OptionError(
                f"expected other names than {UNSEEN_OUTPUT!r}, which counts unseen categories",
                option="outputs",
            )
        kinds = [str(one.kind) for one in answers]
        if len(set(kinds)) != len(kinds):
            raise OptionError(f"expected one answer of a kind, got {kinds}", option="outputs")
        label, chances = self.answer(OutputKind.LABEL), self.answer(OutputKind.PROBABILITIES)
        if label is None or chances is None:
            return
        of, there = chances.classes or (), label.classes or ()
        if of not in (there, there[:-1]):
            raise OptionError(
                "expected probabilities of the label's classes, or of all but the last one, got "
                f"{list(of)} for {list(there)}",
                option="outputs",
            )

    @property
    def _is_later(self) -> bool:
        return self.spec_version.startswith(f"{SPEC_VERSION_WITH_FRAME[0]}.")

    @property
    def lists_inputs(self) -> bool:
        """Whether the file may have columns or a head, and so lists its inputs."""
        return self._is_later and self.frame is None

    @property
    def input(self) -> InputSpec:
        """The picture that the graph takes, columns beside it or not.

        Raises:
            ModelError: It takes none.
        """
        if (picture := self.picture) is None:
            names = ", ".join(one.name for one in self.inputs)
            raise ModelError(
                f"the model {self.name} takes no picture: its columns are {names}",
                remedy="Give it rows, or name a model for pictures.",
            )
        return picture

    @property
    def picture(self) -> InputSpec | None:
        """The picture that the graph takes; None if it takes columns only."""
        return next((one for one in self.inputs if isinstance(one, InputSpec)), None)

    @property
    def columns(self) -> tuple[NumberInput | IntegerInput | CategoryInput | TextInput, ...]:
        """The columns that the graph takes, in order."""
        return tuple(one for one in self.inputs if isinstance(one, ColumnInput))

    @property
    def sealed_input(self) -> InputSpec | tuple[AnyInput, ...]:
        """What the fingerprint covers: all inputs where they are listed, else the picture."""
        return self.inputs if self.lists_inputs else self.input

    @property
    def graph_input(self) -> tuple[str, tuple[int, int, int]]:
        """The name of the graph's picture, and its shape without the batch axis.

        Raises:
            ModelError: It takes none.
        """
        if self.frame is not None:
            return FRAME_INPUT, self.frame.shape
        return self.input.name, (*self.input.size_hw, self.input.channels)

    @property
    def graph_inputs(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """All of the graph's inputs by name: type in ONNX Runtime's words, shape without batch."""
        found: dict[str, tuple[str, tuple[int, ...]]] = {}
        for one in self.inputs:
            if isinstance(one, InputSpec):
                name, shape = self.graph_input
                found[name] = one.tensor_type, shape
            else:
                found[one.name] = one.tensor_type, (one.size,)
                for hashed in one.hashes or ():
                    found[hashed.name] = "tensor(int64)", (one.size,)
        return found

    @property
    def primary(self) -> OutputSpec:
        """The first output, `features`."""
        return self.outputs[0]

    @property
    def features(self) -> tuple[OutputSpec, ...]:
        """The outputs that may make a vector: answers are left out."""
        return tuple(one for one in self.outputs if one.kind.is_feature)

    def answer(self, kind: OutputKind) -> OutputSpec | None:
        """Return the head's output of a kind; None if it has none.

        Args:
            kind: Label, probabilities or value.
        """
        return next((one for one in self.outputs if one.kind is kind), None)

    @property
    def dim(self) -> int:
        """How many numbers the primary output has."""
        return prod(self.primary.shape)

    def to_json(self) -> str:
        """Return the JSON text for the metadata key, keys in a fixed order."""
        document = codec.write(self)
        if self.frame is None:
            del document["frame"]
        if not self.lists_inputs:
            del document["features_fingerprint"]
            document = {
                ("input" if key == "inputs" else key): (
                    codec.write(self.input) if key == "inputs" else value
                )
                for key, value in document.items()
            }
        return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)


def _names_of(one: AnyInput) -> tuple[str, ...]:
    """Return the names that an input takes: its own, those of its values and of their hashes."""
    if isinstance(one, InputSpec):
        return (one.name,)
    hashed = [each.name for each in one.hashes or ()]
    return (one.name, *(name for name in one.columns or () if name != one.name), *hashed)
