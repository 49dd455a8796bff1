"""What a graph gives: features, and the answers of a head behind them."""

# Without `from __future__ import annotations`: `codec` reads these, and text would cost it 1 ms.

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

from edgefeat.errors import OptionError
from edgefeat.model import codec
from edgefeat.record import Record

__all__ = ["OutputKind", "OutputSpec"]

Extra = Mapping[str, Any]


class OutputKind(StrEnum):
    """What an output is: features, or the answer of a head behind them.

    A vector has shape `(D,)`, a spatial feature map `(H, W, C)`. A label is one int64, the position
    in `classes`: `()`. Probabilities are as many as there are classes: `(K,)`. A value is what a
    regression gives: `(1,)`, or as many as it has targets.
    """

    VECTOR = "vector"
    MAP = "map"
    LABEL = "label"
    PROBABILITIES = "probabilities"
    VALUE = "value"

    @property
    def axes(self) -> int:
        """How many axes the shape of one picture's or row's output has."""
        return {OutputKind.MAP: 3, OutputKind.LABEL: 0}.get(self, 1)

    @property
    def is_feature(self) -> bool:
        """Whether it may make a feature vector: an answer never does."""
        return self in (OutputKind.VECTOR, OutputKind.MAP)


class OutputSpec(Record):
    """One named output: what it is, its shape, and where it was cut.

    Args:
        name: The output's name in the graph; the first is `features`.
        kind: What it is.
        shape: The shape for one picture or row, as its kind has it.
        source_layer: The Keras layer after which it was cut; of an answer, the last step of the
            head.
        pooling: The pooling that was added: `avg`, `max`, `gem` or `cls`; None for none.
        l2_normalised: Whether the graph scales it to unit length.
        reduced_from: How many numbers it had before the reduction inside the graph; None for no
            reduction.
        classes: Names of the classes of a label and of probabilities, in order; None for others.
        extra: Keys that this version does not know.
    """

    name: str
    kind: OutputKind
    shape: tuple[int, ...]
    source_layer: str
    pooling: str | None = None
    l2_normalised: bool = False
    reduced_from: int | None = None
    classes: tuple[str, ...] | None = field(default=None, metadata=codec.LEFT_OUT_IF_NONE)
    extra: Extra = field(default_factory=dict)

    def __post_init__(self) -> None:
        axes = self.kind.axes
        if len(self.shape) != axes or not all(side >= 1 for side in self.shape):
            raise OptionError(
                f"expected {axes} positive sizes, got {list(self.shape)}", option="shape"
            )
        has_classes = self.kind in (OutputKind.LABEL, OutputKind.PROBABILITIES)
        if has_classes != (self.classes is not None):
            expected = "the names of the classes" if has_classes else "none"
            raise OptionError(f"expected {expected} of kind {str(self.kind)!r}", option="classes")
        if self.classes is None:
            return
        count = self.shape[0] if self.shape else max(1, len(self.classes))
        if len(self.classes) != count or len(set(self.classes)) != count:
            raise OptionError(
                f"expected {count} different names, got {list(self.classes)}", option="classes"
            )

    @property
    def tensor_type(self) -> str:
        """The output's type, in ONNX Runtime's words."""
        return "tensor(int64)" if self.kind is OutputKind.LABEL else "tensor(float)"
