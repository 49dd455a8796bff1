"""What quantizing a file takes, and what both small forms of it weigh and keep.

    python tests/bench/bench_quantizing.py [MODEL.onnx] [--pictures 128] [-o FILE.json]

`edgefeat-export quantize` runs in a process of its own, so that the peak memory is its own. The
float file with weights stored as float16 is held against the one it comes from on crops of the
sample photos.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
LITE0 = ROOT / "models" / "efficientnet_lite0_224_fp32.onnx"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", type=Path, default=LITE0)
    parser.add_argument("--pictures", type=int, default=128)
    parser.add_argument("--keep", type=Path, metavar="FILE.onnx", help="keep the int8 file")
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        rows = {
            "int8": quantized(args.model, args.pictures, args.keep or Path(folder) / "int8.onnx"),
            "fp16": halved(args.model, Path(folder)),
        }
    for name, row in rows.items():
        numbers = "  ".join(f"{key} {value:.6g}" for key, value in row.items())
        sys.stdout.write(f"{name}  {numbers}\n")
    if args.output:
        args.output.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


def quantized(model: Path, count: int, target: Path) -> dict[str, Any]:
    """Quantize through the command line; fidelity is to the float file, on other crops."""
    command = [sys.executable, "-m", "edgefeat_export", "quantize", str(model), "-o", str(target)]
    started = time.perf_counter()
    child = subprocess.Popen([*command, "--pictures", str(count), "--json"], stdout=subprocess.PIPE)
    with child:
        assert child.stdout is not None
        parity = json.loads(child.stdout.read())["spec"]["parity"]
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    return {
        "seconds": time.perf_counter() - started,
        "peak_gb": usage.ru_maxrss * 1024 / 1e9,
        "size_mb": target.stat().st_size / 1e6,
        "cosine_mean": parity["cosine_mean"],
        "cosine_min": parity["cosine_min"],
    }


def halved(model: Path, folder: Path) -> dict[str, Any]:
    """Store the weights as float16, as `build --precision fp16` does."""
    import onnx

    from edgefeat.measures.agreement import compare
    from edgefeat.model.file import read_model_file
    from edgefeat.model.shipped import sample_photos
    from edgefeat_export.graph.half import with_half_weights
    from edgefeat_export.proof.pictures import crops
    from edgefeat_export.quant.fidelity import features_of

    target, whole = folder / "fp16.onnx", onnx.load(model)
    half = with_half_weights(whole)
    onnx.save(half, target)
    pictures = crops(sample_photos(), read_model_file(model).spec.input, count=100, seed=2)
    found = compare(features_of(whole, pictures), features_of(half, pictures))
    return {
        "size_mb": target.stat().st_size / 1e6,
        "cosine_mean": found.cosine_mean,
        "cosine_min": found.cosine_min,
    }


if __name__ == "__main__":
    sys.exit(main())
