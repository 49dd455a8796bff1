"""Which instructions the CPU has, read without `pathlib`, which would cost every start.

`machine.processor` tells the rest: the CPU's name, its board and its cores. Standard library only.
"""

from __future__ import annotations

import os.path

__all__ = ["INT8_DOT", "VECTOR", "instructions"]

# Instructions that decide how fast a network runs. The second group multiplies int8 with exact
# sums; AVX2 and AVX512 without them are slower and saturate.
VECTOR = ("neon", "asimd", "asimdhp", "sve", "sse4_1", "avx", "f16c", "fma", "avx2", "avx512f")
INT8_DOT = ("asimddp", "i8mm", "avx_vnni", "avx512_vnni", "amx_int8")

_KEYS = ("flags", "Features")  # on x86, on Arm


def instructions(root: str = "/") -> tuple[str, ...]:
    """Return the flags of the first core; Linux tells of all cores only what they share.

    Args:
        root: The root of the file system with the machine's `/proc`.
    """
    try:
        with open(os.path.join(root, "proc/cpuinfo"), errors="replace") as lines:
            for line in lines:
                if line.startswith(_KEYS):
                    return tuple(line.partition(":")[2].split())
    except OSError:  # not Linux, or hidden
        pass
    return ()
