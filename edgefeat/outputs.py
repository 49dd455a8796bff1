"""Which outputs of a model make the vector, and the vector that they make side by side."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from edgefeat.errors import OptionError, OutputWarning
from edgefeat.model.spec import ModelSpec, OutputKind, OutputSpec
from edgefeat.options.extractor import ALL_OUTPUTS, ModelOptions

if TYPE_CHECKING:
    from edgefeat.arrays import Features

__all__ = ["Chosen"]


class Chosen:
    """The outputs whose numbers make the vector.

    Args:
        outputs: The outputs, in the order of their numbers.
        is_primary: Whether it is the model's first output alone.
    """

    __slots__ = ("is_primary", "outputs")

    def __init__(self, outputs: tuple[OutputSpec, ...], *, is_primary: bool) -> None:
        self.outputs, self.is_primary = outputs, is_primary

    @classmethod
    def of(cls, spec: ModelSpec, options: ModelOptions, *, where: str) -> Chosen:
        """Choose the outputs that the options ask for; the first is the default.

        Args:
            spec: What the model says of its outputs.
            options: Names of outputs, and whether vectors are normalised.
            where: Path of the model, for messages.

        Raises:
            OptionError: The model has no such output, or its vector cannot be normalised.

        Warns:
            OutputWarning: Nothing was asked for, and the model has more than one output.
        """
        if options.outputs is None:
            chosen = spec.features[:1]
            if len(spec.features) > 1:
                _warn(spec, where)
        elif options.outputs == (ALL_OUTPUTS,):
            chosen = spec.features
        else:
            there = {output.name: output for output in spec.features}
            for name in options.outputs:
                if name not in there:
                    raise OptionError(
                        f"the model has no output {name!r}; it has {', '.join(there)}",
                        where=where,
                        option="outputs",
                    )
            chosen = tuple(there[name] for name in options.outputs)
        if options.normalize and len(chosen) == 1 and chosen[0].kind is not OutputKind.VECTOR:
            raise OptionError(
                f"the output {chosen[0].name!r} is a feature map, which has no unit length",
                where=where,
                option="normalize",
                remedy="Choose an output that is a vector, or normalise the map yourself.",
            )
        return cls(chosen, is_primary=chosen == spec.outputs[:1])

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The outputs' names and shapes, in order."""
        return {output.name: output.shape for output in self.outputs}

    @property
    def dim(self) -> int:
        """How many numbers the outputs have together."""
        return sum(map(prod, self.shapes.values()))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one picture's features: a single output's own, or `(D,)` of several."""
        return self.outputs[0].shape if len(self.outputs) == 1 else (self.dim,)

    def side_by_side(self, outputs: Mapping[str, Features]) -> Features:
        """Return the vectors that the model's outputs make: float32 `(N, D)`; one map as it is."""
        parts = [outputs[name] for name in self.shapes]
        if len(parts) == 1:
            return parts[0]
        return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)


def _warn(spec: ModelSpec, where: str) -> None:
    from edgefeat.messages.warn import warn_caller

    first, *others = (f"{one.name} ({' x '.join(map(str, one.shape))})" for one in spec.features)
    warning = OutputWarning(
        f"the vector is the first output, {first}; left out: {', '.join(others)}",
        where=where,
        option="outputs",
        remedy="Choose with {option}: names, or all.",
    )
    warn_caller(warning)
