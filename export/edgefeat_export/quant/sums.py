"""Scales that make quantized sums the same on every CPU.

ONNX Runtime adds bytes in float: `a * (scale_a / scale_c) + b * (scale_b / scale_c) + constant`.
Some CPUs fuse multiplication and addition, and some round a half up where others round it to even.
With ratios that are whole parts of an odd number no sum of levels lies halfway between two, nor so
near that the last bits of float32 decide. The other integer operators multiply once, and agree.
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
"""Odd: no closer to a half than 1 / 4094, six times what float32 may err by at 512."""


def agreeing_sums(plan: Plan, affines: Mapping[str, Affine]) -> dict[str, Affine]:
    """Return the parameters with the scales of what is added moved to whole parts of the sum's.

    By a two-thousandth at most where a summand spans half of the sum. From the last sum to the
    first, so that a sum which is added again keeps what its own summands were fitted to; a tensor
    added twice is fitted to the later sum alone.
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
    """Return the float32 near `scale` that is whole 2047ths of `total`."""
    return float(np.float32(max(1, round(scale / total * _PARTS)) * total / _PARTS))
