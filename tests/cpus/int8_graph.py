"""Prints, as JSON, hashes of what the exporter makes on this CPU: pictures, and int8 graphs.

    python tests/cpus/int8_graph.py                     three small networks
    python tests/cpus/int8_graph.py --model FILE -n 8   and this fp32 file, with eight pictures

On every CPU the hashes are the same; that is the promise of the exporter. `builds.py` compares
them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from edgefeat.model.file import read_model_file
from edgefeat.model.shipped import sample_photos
from edgefeat.model.spec import InputSpec
from edgefeat_export.proof import calibration, pictures
from edgefeat_export.quant.graph_to_int8 import quantize
from quant_networks import branches, curved, mobile, photos

SMALL = {"mobile": mobile, "branches": branches, "curved": curved}


def main() -> int:
    """Print the hashes; return 0."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, help="an fp32 file that edgefeat-export made")
    parser.add_argument("-n", type=int, default=8, metavar="PICTURES", help="to calibrate it on")
    given = parser.parse_args()
    hashes = {name: graph_hash(quantize(make(), photos())) for name, make in SMALL.items()}
    hashes["pictures"] = hashlib.sha256(
        softened(InputSpec(size_hw=(224, 224)), 8).tobytes()
    ).hexdigest()
    if given.model is not None:
        hashes[f"{given.model.stem}, {given.n} pictures"] = graph_hash(made(given.model, given.n))
    print(json.dumps(hashes))  # noqa: T201
    return 0


def made(path: Path, count: int) -> onnx.ModelProto:
    """Return the int8 graph that so many crops of the sample photos make of a file."""
    model = onnx.load(path)
    del model.metadata_props[:]
    return quantize(model, softened(read_model_file(path).spec.input, count))


def softened(input_spec: InputSpec, count: int) -> NDArray[np.uint8]:
    """Return crops of the sample photos, half of them softened, as pictures to calibrate on."""
    sharp = pictures.crops(sample_photos(), input_spec, count=count, seed=1)
    return calibration.soften_half(sharp, seed=1)


def graph_hash(model: onnx.ModelProto) -> str:
    """Return a hash of all that the graph holds."""
    return hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
