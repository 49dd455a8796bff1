"""Whether a change of the graph passes changed a graph: hashes of cleaned graphs, to compare.

    python tests/bench/graph_bytes.py -o before.json              before the change
    python tests/bench/graph_bytes.py --against before.json       after it

Every network gets random weights from a seed, is translated by tf2onnx and cleaned by the passes.
Two hashes stand for the cleaned graph with float input and the one that takes uint8 pictures.
Translating is slow and knows no passes, so translated graphs are kept (`--translated`) and cleaned
again in seconds. With `--against` the program exits with 1 if a hash differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
sys.path.insert(0, str(Path(__file__).parent.parent / "support"))

BACKBONES = (
    "mobilenet", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_lite0", "efficientnet_b0",
    "efficientnet_v2_b0", "resnet50", "resnet50_v2", "densenet121", "inception_v3", "xception",
    "nasnet_mobile", "convnext_tiny",
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    args = _arguments(argv)
    unknown = set(args.names) - set(BACKBONES) - set(OWN_NETWORKS)
    if unknown:
        raise SystemExit(f"unknown networks: {sorted(unknown)}")
    args.translated.mkdir(parents=True, exist_ok=True)
    hashes: dict[str, dict[str, str]] = {}
    for name in args.names or [*OWN_NETWORKS, *BACKBONES]:
        start = time.perf_counter()
        hashes[name] = hashes_of(name, args.translated)
        sys.stdout.write(f"{name:20} {time.perf_counter() - start:6.1f} s  {hashes[name]}\n")
        sys.stdout.flush()
    if args.output:
        args.output.write_text(json.dumps(hashes, indent=1) + "\n")
    if args.against is None:
        return 0
    earlier = json.loads(args.against.read_text())
    other = [name for name in hashes if hashes[name] != earlier.get(name)]
    sys.stdout.write(f"{len(hashes) - len(other)} of {len(hashes)} equal; other: {other}\n")
    return int(bool(other))


def hashes_of(name: str, translated: Path) -> dict[str, str]:
    """Return the start of the SHA-256 of each graph that the passes make of a network."""
    import onnx

    from edgefeat_export.graph.pipeline import clean
    from edgefeat_export.graph.uint8_input import with_uint8_input
    from edgefeat_export.networks.normalisation import Normalisation

    graph_file, pixels_file = translated / f"{name}.onnx", translated / f"{name}.json"
    if not pixels_file.exists():
        model, normalisation = _network(name)
        _translate(model, graph_file)
        fields = {key: getattr(normalisation, key) for key in ("mean", "std", "colour")}
        pixels_file.write_text(json.dumps(fields))
    pixels = json.loads(pixels_file.read_text())
    normalisation = Normalisation(
        mean=tuple(pixels["mean"]), std=tuple(pixels["std"]), colour=pixels["colour"]
    )
    cleaned = clean(onnx.load(graph_file))
    whole = with_uint8_input(cleaned, normalisation)
    return {"float": _hash(cleaned), "uint8": _hash(whole)}


def _hash(model: Any) -> str:
    return hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest()[:16]


def _translate(model: Any, file: Path) -> None:
    from edgefeat_export.graph.convert import to_onnx

    names = [f"output{number}" for number in range(len(model.outputs))]
    file.write_bytes(to_onnx(model, names).SerializeToString())


def _network(name: str) -> tuple[Any, Any]:
    from edgefeat_export.networks.catalogue import BACKBONES as CATALOGUE
    from edgefeat_export.networks.normalisation import TORCH
    from edgefeat_export.networks.weights import randomise
    from random_network import random_network

    if name not in OWN_NETWORKS:
        return random_network(CATALOGUE[name], CATALOGUE[name].size_hw)
    import keras

    keras.utils.set_random_seed(1)
    model = OWN_NETWORKS[name]()
    randomise(model)
    return model, TORCH


def transformer() -> Any:
    """Return a small vision transformer: patches, attention, layer normalisation, GELU."""
    import keras
    from keras import layers

    image = keras.Input((32, 32, 3))
    x = layers.Reshape((16, 24))(layers.Conv2D(24, 8, strides=8)(image))
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(3, 8)(y, y)])
        y = layers.Dense(48, activation="gelu")(layers.LayerNormalization()(x))
        x = layers.Add()([x, layers.Dense(24)(y)])
    return keras.Model(image, layers.GlobalAveragePooling1D()(x), name="transformer")


def taps() -> Any:
    """Return a network with a map, a flattened map and two vectors as its outputs."""
    import keras
    from keras import layers

    image = keras.Input((33, 32, 3))
    x = layers.BatchNormalization()(image)
    x = layers.ReLU()(layers.Conv2D(8, 3, strides=2, padding="same")(x))
    early = x
    s = layers.Reshape((1, 1, 8))(layers.GlobalAveragePooling2D()(x))
    s = layers.Conv2D(8, 1, activation="hard_sigmoid")(layers.Conv2D(2, 1)(s))
    x = layers.MaxPooling2D(3, strides=2, padding="same")(layers.Multiply()([x, s]))
    x = layers.DepthwiseConv2D(3)(layers.ZeroPadding2D(1)(x))
    x = layers.Activation("hard_silu")(layers.BatchNormalization()(x))
    flat = layers.Flatten()(x)
    dense = layers.BatchNormalization()(layers.Dense(5)(flat))
    pooled = layers.GlobalMaxPooling2D()(layers.Dense(6)(x))
    return keras.Model(image, [early, flat, dense, pooled], name="taps")


OWN_NETWORKS: Mapping[str, Callable[[], Any]] = {"transformer": transformer, "taps": taps}


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="networks; all if none is named")
    parser.add_argument("-o", "--output", type=Path, help="file to write the hashes to")
    parser.add_argument("--against", type=Path, help="hashes of an earlier run, to compare with")
    parser.add_argument(
        "--translated",
        type=Path,
        default=Path(tempfile.gettempdir()) / "edgefeat-translated",
        help="folder that keeps the translated graphs (default: %(default)s)",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
