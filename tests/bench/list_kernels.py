"""Lists the CPU kernels of the onnxruntime that runs this, for columns/operators.py.

    python tests/bench/list_kernels.py > export/edgefeat_export/columns/onnxruntime_1_20.txt

Run it with the oldest onnxruntime that edgefeat allows.
"""

from __future__ import annotations

import sys
from collections import defaultdict

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as state

NEWEST = 99  # a kernel for all versions to come


def main() -> None:
    ranges = defaultdict(set)
    for kernel in state.get_all_opkernel_def():
        standard = kernel.domain in ("", "ai.onnx.ml")
        wanted = standard or (kernel.domain, kernel.op_name) == ("com.microsoft", "Tokenizer")
        if kernel.provider == "CPUExecutionProvider" and wanted:
            first, last = kernel.version_range
            ranges[kernel.domain or "ai.onnx", kernel.op_name].add((first, min(last, NEWEST)))
    lines = [
        f"# CPU kernels of onnxruntime {onnxruntime.__version__}: domain, operator, versions.",
        "# Made by tests/bench/list_kernels.py.",
    ]
    for (domain, name), versions in sorted(ranges.items()):
        spans = " ".join(f"{first}-{last}" for first, last in sorted(versions))
        lines.append(f"{domain} {name} {spans}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
