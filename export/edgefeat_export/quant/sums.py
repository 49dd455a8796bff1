"""Scales that make quantized sums the same on every CPU.

ONNX Runtime adds bytes in float: `a * (scale_a / scale_c) + b * (scale_b / scale_c) + constant`.
Some CPUs fuse multiplication and addition, and some round a half up where others round it to even.
So a sum that lies halfway between two levels comes out differently. Here each ratio of scales is a
whole number of 2047ths. Then no sum lies halfway between two levels, nor so near to the middle that
the last bits of float32 decide. The other integer operators multiply only once, and agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from edgefeat_export.quant.plan import Plan
from edgefeat_export.quant.scheme import Affine

__all__ = ["agreeing_sums", "whole_part"]

_PARTS: Final = 2047
"""An odd number, so that no sum is nearer to a half than 1 / 4094. That is six times the error that
float32 can have at 512."""


def agreeing_sums(plan: Plan, affines: Mapping[str, Affine]) -> dict[str, Affine]:
    """Return the parameters, with the scale of each summand a whole number of 2047ths of the sum's.

    A scale moves by a two-thousandth at most, if the summand spans half of the sum or more. The
    last sum comes first: a sum that is added again later must keep the scale that its own summands
    were fitted to. A tensor that is added twice is fitted to the later sum only.

    Args:
        plan: What becomes integer.
        affines: What the bytes of each tensor mean, by its name.
    """
    moved = {name: affine for name, affine in affines.items() if name not in plan.shared}
    settled: set[str] = set()
    for step in reversed(plan.steps):
        if step.node.op != "Add" or step.output not in plan.integer & plan.quantized:
            continue
        total = plan.shared.get(step.output, step.output)
        settled.add(total)
        for name in step.node.inputs:
            summand = plan.shared.get(name, name)
            if summand in moved and summand not in settled:
                scale = whole_part(moved[summand].scale, moved[total].scale)
                moved[summand] = replace(moved[summand], scale=scale)
                settled.add(summand)
    return moved | {name: moved[source] for name, source in plan.shared.items()}


def whole_part(scale: float, total: float) -> float:
    """Return the float32 next to `scale` that is a whole number of 2047ths of `total`."""
    return float(np.float32(max(1, round(scale / total * _PARTS)) * total / _PARTS))
