"""Saved models that somebody made to do harm: each writes, reads, runs or takes what it must not.

`write_all(folder)` writes them and returns what each refusal must say. The harmless model that most
of them begin as has one convolution.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import tensorflow as tf
from keras import layers

__all__ = ["write_all"]

SHAPE = (8, 8, 3)
HUGE = 2**30
Members = dict[str, bytes]


def write_all(folder: Path) -> dict[str, str]:
    """Write all of them; return a part of the message that each must be refused with."""
    secret = folder / "secret.bin"
    secret.write_bytes(np.arange(4096, dtype=np.float32).tobytes())
    model = keras.Sequential([layers.Input(SHAPE), layers.Conv2D(4, 3, name="conv")], name="small")
    model.save(folder / "small.keras")
    model.save(folder / "small.h5")
    expected = _archives(folder) | _weights(folder, secret) | _hdf5(folder, secret)
    expected |= _kinds(folder) | _folders(folder, secret)
    (folder / "small.keras").unlink()
    (folder / "small.h5").unlink()
    return expected


def _members(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _pack(path: Path, members: Members, packing: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def _archives(folder: Path) -> dict[str, str]:
    """Architectures that run, open or take something."""
    good = _members(folder / "small.keras")

    def layer(kind: str, module: str = "keras.layers", **settings: Any) -> dict[str, Any]:
        return {
            "module": module,
            "class_name": kind,
            "config": {"name": "sly", **settings},
            "registered_name": None,
        }

    def with_layer(name: str, *more: dict[str, Any]) -> None:
        config = json.loads(good["config.json"])
        config["config"]["layers"] += more
        _pack(folder / name, good | {"config.json": json.dumps(config).encode()})

    with_layer("sub.keras", layer("TFSMLayer", filepath="/other", call_endpoint="serve"))
    with_layer("torch.keras", layer("TorchModuleWrapper", module="AAAA"))
    with_layer("jax.keras", layer("JaxLayer", call_fn="f"))
    with_layer("words.keras", layer("StringLookup", vocabulary="/etc/passwd"))
    with_layer("weights_of_words.keras", layer("TextVectorization", idf_weights="/etc/passwd"))
    with_layer("code.keras", layer("Lambda", function={"class_name": "__lambda__", "config": {}}))
    with_layer("fetch.keras", layer("get_file", "keras.utils", fname="x", origin="http://[::1]:9"))
    with_layer("system.keras", layer("system", "os", command="touch written"))
    with_layer("number.keras", layer(5))  # type: ignore[arg-type]
    with_layer("wide.keras", layer("Conv2D", filters=HUGE, kernel_size=[3, 3]))
    with_layer("wide_dense.keras", layer("Dense", units=HUGE))
    with_layer("many.keras", *[layer("ReLU")] * 5_000)
    deep = b'{"config":' + b"[" * 200_000
    _pack(folder / "deep.keras", good | {"config.json": deep}, zipfile.ZIP_DEFLATED)
    nested = b'{"config":{"a":' + b"[" * 500 + b"]" * 500 + b"}}"
    _pack(folder / "nested.keras", good | {"config.json": nested})
    bomb = b'{"config": "' + b" " * 200_000_000 + b'"}'
    _pack(folder / "bomb.keras", good | {"config.json": bomb}, zipfile.ZIP_DEFLATED)
    weights = {"model.weights.h5": bytes(200_000_000)}
    _pack(folder / "weights_bomb.keras", good | weights, zipfile.ZIP_DEFLATED)
    return {
        "sub.keras": "would open something else: the layer 'sly' (TFSMLayer)",
        "torch.keras": "the layer 'sly' (TorchModuleWrapper)",
        "jax.keras": "the layer 'sly' (JaxLayer)",
        "words.keras": "the file '/etc/passwd' that layer 'sly' looks words up in",
        "weights_of_words.keras": "the file '/etc/passwd' that layer 'sly' looks words up in",
        "code.keras": "would run code: the Lambda layer 'sly'",
        "fetch.keras": "would run code: the class 'get_file' of module 'keras.utils'",
        "system.keras": "would run code: the class 'system' of module 'os'",
        "number.keras": "would run code: the class 5 of module 'keras.layers'",
        "wide.keras": "asks for weights of shape (3, 3, 4, 1073741824), more than the file holds",
        "wide_dense.keras": "asks for weights of shape (4, 1073741824)",
        "many.keras": "its architecture has more than 4,000 layers",
        "deep.keras": "its architecture is not JSON",
        "nested.keras": "its architecture has more than 100 levels",
        "bomb.keras": "its member config.json has 200 MB",
        "weights_bomb.keras": "its member model.weights.h5 has 200 MB",
    }


def _weights(folder: Path, secret: Path) -> dict[str, str]:
    """Weights inside an archive that come from outside, or from nowhere."""
    good = _members(folder / "small.keras")
    expected = {}
    for name, (replace, message) in _replacements(folder, secret).items():
        data = io.BytesIO(good["model.weights.h5"])
        with h5py.File(data, "r+") as file:
            replace(file, "layers/conv2d/vars/0" if "layers" in file else next(iter(file)))
        _pack(folder / f"{name}.keras", good | {"model.weights.h5": data.getvalue()})
        expected[f"{name}.keras"] = message
    return expected


def _hdf5(folder: Path, secret: Path) -> dict[str, str]:
    """The same in files of HDF5, and architectures that are no text."""
    good = (folder / "small.h5").read_bytes()
    expected = {}
    for name, (replace, message) in _replacements(folder, secret).items():
        path = folder / f"{name}.h5"
        path.write_bytes(good)
        with h5py.File(path, "r+") as file:
            found: list[str] = []
            file["model_weights"].visititems(
                lambda at, item, found=found: found.append(at) if "kernel" in at else None
            )
            replace(file["model_weights"], found[-1])
        expected[path.name] = message
    attributes = {"whole.h5": np.int64(7), "bytes.h5": np.bytes_(b"\xff\xfe{"), "empty.h5": b""}
    for name, value in attributes.items():
        (folder / name).write_bytes(good)
        with h5py.File(folder / name, "r+") as file:
            file.attrs["model_config"] = value
        expected[name] = "its architecture"
    return expected


Replace = Callable[[Any, str], None]


def _replacements(folder: Path, secret: Path) -> dict[str, tuple[Replace, str]]:
    """Ways to put other numbers in the place of a dataset, and what is said of each."""
    outside = folder / "outside.hdf5data"
    with h5py.File(outside, "w") as file:
        file["taken"] = np.arange(108, dtype=np.float32)

    def external(file: Any, name: str) -> None:
        shape = file[name].shape
        del file[name]
        file.create_dataset(name, shape, np.float32, external=[(str(secret), 0, 4 * 4096)])

    def virtual(file: Any, name: str) -> None:
        shape = file[name].shape
        del file[name]
        layout = h5py.VirtualLayout(shape, np.float32)
        layout[:] = h5py.VirtualSource(str(outside), "taken", shape)
        file.create_virtual_dataset(name, layout)

    def elsewhere(file: Any, name: str) -> None:
        del file[name]
        file[name] = h5py.ExternalLink(str(outside), "taken")

    def soft(file: Any, name: str) -> None:
        del file[name]
        file[name] = h5py.SoftLink("/somewhere")

    def claimed(file: Any, name: str) -> None:
        del file[name]
        file.create_dataset(name, (2**20, 2**20), np.float32, chunks=(1024, 1024))

    return {
        "external": (external, "come from the file"),
        "virtual": (virtual, "come from other datasets"),
        "elsewhere": (elsewhere, "come from a link"),
        "soft": (soft, "come from a link"),
        "claimed": (claimed, "expected a network's weights, got 4,398,0"),
    }


def _kinds(folder: Path) -> dict[str, str]:
    """Files that are no model at all."""
    contents = {
        "pickle.h5": (b"\x80\x04\x95", "got a pickle, which runs code"),
        "lite.keras": (b"\x1c\x00\x00\x00TFL3", "got a model of TensorFlow Lite"),
        "nothing.keras": (b"", "got an empty one"),
        "text.keras": (b"hello", "damaged or of another kind"),
        "cut.keras": (b"PK\x03\x04 cut", "damaged or of another kind"),
        "cut.h5": (b"\x89HDF\r\n\x1a\n cut", "damaged or of another kind"),
    }
    for name, (data, _) in contents.items():
        (folder / name).write_bytes(data)
    os.mkfifo(folder / "pipe.keras")
    _pack(folder / "other.keras", {"data.pkl": b"\x80"})
    return {name: message for name, (_, message) in contents.items()} | {
        "pipe.keras": "got a pipe or a device",
        "other.keras": "a zip archive without config.json",
    }


def _folders(folder: Path, secret: Path) -> dict[str, str]:
    """SavedModels with operators that reach out, and folders that are more than files."""
    written = folder / "written.txt"

    def with_branch(path: str) -> Any:
        return tf.cond(
            tf.constant(value=False), lambda: tf.size(tf.io.read_file(path)), lambda: tf.constant(0)
        )

    def lines(path: str) -> Any:
        return tf.data.TextLineDataset(path).reduce(0, lambda count, _: count + 1)

    def saved(path: str) -> Any:
        with tf.control_dependencies(
            [tf.raw_ops.Save(filename=path, tensor_names=["a"], data=[tf.constant(1.0)])]
        ):
            return tf.constant(0)

    def loop(_: str) -> Any:
        return tf.while_loop(lambda i: i >= 0, lambda i: (i * 0,), [tf.constant(0)])[0]

    def printed(path: str) -> Any:
        with tf.control_dependencies([tf.print("x", output_stream=f"file://{path}")]):
            return tf.constant(0)

    def python(_: str) -> Any:
        return tf.numpy_function(lambda: np.int32(0), [], tf.int32)

    acts: dict[str, tuple[Callable[[str], Any], str]] = {
        "reads": (lambda path: tf.strings.length(tf.io.read_file(path)), "ReadFile"),
        "lists": (lambda path: tf.size(tf.io.matching_files(path)), "MatchingFiles"),
        "in_a_branch": (with_branch, "ReadFile"),
        "lines": (lines, "FlatMapDataset, ReduceDataset"),
        "saves": (saved, "Save"),
        "prints": (printed, "PrintV2"),
        "python": (python, "PyFunc"),
        "loops": (loop, "StatelessWhile"),
    }
    expected = {}
    for name, (act, operator) in acts.items():
        target = str(written if name in ("saves", "prints") else secret)
        _save(folder / name, partial(_act, act, target))
        expected[name] = f"opening it would run {operator}"
    expected["loops"] = "it has a loop, as recurrent layers have, which need not end"
    _save(folder / "blows_up", lambda _: tf.zeros((4, 1)))
    _blow_up(folder / "blows_up")
    _save(folder / "linked", lambda _: 0)
    variables = folder / "linked" / "variables" / "variables.data-00000-of-00001"
    variables.unlink()
    variables.symlink_to(secret)
    (folder / "no_model").mkdir()
    return expected | {
        "blows_up": "its constants unfold into",
        "linked": "got a link or a device",
        "no_model": "expected a SavedModel folder",
    }


def _act(act: Callable[[str], Any], target: str, _image: Any) -> Any:
    return act(target)


def _save(path: Path, act: Callable[[Any], Any]) -> None:
    class Sly(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, *SHAPE), tf.float32)])
        def run(self, image: tf.Tensor) -> tf.Tensor:
            done = act(image)
            return tf.reduce_mean(image, (1, 2)) + tf.cast(tf.reduce_sum(done), tf.float32)

    module = Sly()
    tf.saved_model.save(module, str(path), {"serving_default": module.run})


def _blow_up(folder: Path) -> None:
    """Let a constant of one number claim a shape of a thousand million."""
    from tensorflow.core.protobuf import saved_model_pb2

    file = folder / "saved_model.pb"
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString(file.read_bytes())
    for function in saved.meta_graphs[0].graph_def.library.function:
        for node in function.node_def:
            if node.op == "Const" and node.attr["dtype"].type == tf.float32.as_datatype_enum:
                tensor = node.attr["value"].tensor
                tensor.CopyFrom(tf.make_tensor_proto([[1.0]]))
                tensor.tensor_shape.dim[0].size = 10**9
    file.write_bytes(saved.SerializeToString())
