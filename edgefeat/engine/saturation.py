"""Whether a model's int8 products may be too large for this CPU.

x86 CPUs without VNNI multiply bytes in pairs and add both products in 16 bits, which saturates.
ONNX Runtime then has to take kernels for uint8 weights, which are exact and slower.
"""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgefeat.model.spec import ModelSpec

__all__ = ["SAFE_PAIR", "may_saturate"]

SAFE_PAIR = 128
"""What two int8 weights beside each other may add up to: 255 * 128 fits 16 bits."""

_X86 = ("x86_64", "AMD64", "i686")


def may_saturate(spec: ModelSpec, root: str = "/") -> bool:
    """Tell whether the model needs exact, slower kernels here.

    It does not if its pairs of weights were held to `SAFE_PAIR`, as `edgefeat-export` does unless
    told otherwise.

    Args:
        spec: The model's spec.
        root: The root of the file system with the machine's `/proc`.
    """
    quantization = spec.extra.get("quantization")
    limit = quantization.get("pair_limit") if isinstance(quantization, dict) else None
    if spec.precision != "int8" or (isinstance(limit, int) and limit <= SAFE_PAIR):
        return False
    if platform.machine() not in _X86:
        return False
    from edgefeat.host.cpuinfo import INT8_DOT, instructions  # most models do not get here

    return not set(INT8_DOT) & set(instructions(root))
