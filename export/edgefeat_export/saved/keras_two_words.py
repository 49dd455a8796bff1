"""The words of Keras 2 that Keras 3 does not know, replaced by rule, on plain data.

Modules moved, some settings went away, and half precision has another name. One word kept its
spelling and changed its meaning: `hard_sigmoid`, which `with_its_own_functions` puts right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import keras

from edgefeat_export.saved.config import Config

__all__ = ["is_neutral", "name_tensors", "replace_words", "with_its_own_functions"]

_MODELS: Final = {
    "Functional": "keras.src.models.functional",
    "Model": "keras.src.models.functional",
    "Sequential": "keras",
}
_OLD_MODULES: Final = re.compile(
    r"tf_keras(\..*)?|(tensorflow\.python\.)?keras(\.src)?\.engine\..*"
)
_HALF: Final = re.compile(r"mixed_\w*float16|float16|bfloat16")
# They say how weights begin and what holds them while they are trained.
_TRAINING: Final = re.compile(
    r"\w+_(initializer|regularizer|constraint)|rng_type|(query|key|value)_shape"
)
_OPERATIONS: Final = ("TFOpLambda", "SlicingOpLambda")  # `saved.operation_layers` has these
_SHAPE: Final = "batch_input_shape"


def replace_words(config: Config) -> int:
    """Replace, in place, modules, policies and shapes of Keras 2; return how many."""
    count = 0
    for value in _objects(config):
        kind, module = value.get("class_name"), value.get("module")
        if isinstance(module, str) and _OLD_MODULES.fullmatch(module):
            value["module"] = _MODELS.get(str(kind), "keras.layers")
            count += 1
        if kind == "MultiHeadAttention" and "input_shape" in (value.get("build_config") or ()):
            del value["build_config"]  # Keras 3 builds it of three shapes, at its first call
            count += 1
        settings = value.get("config")
        if isinstance(settings, dict):
            count += _in_full_precision(settings)
            if kind == "LeakyReLU" and "alpha" in settings:
                settings["negative_slope"] = settings.pop("alpha")
                count += 1
            count += kind != "InputLayer" and settings.pop(_SHAPE, None) is not None
    return count


def name_tensors(config: Config) -> int:
    """Write calls with tensors among their named arguments as Keras 3 does; return how many.

    An attention's call says `value=["layer", 0, 0]`, which Keras 3 would take for a plain list.
    """
    count = 0
    for value in _objects(config):
        nodes = value.get("inbound_nodes")
        if not isinstance(nodes, list) or value.get("class_name") in _OPERATIONS:
            continue
        for index, node in enumerate(nodes):
            calls: list[Any] = node if isinstance(node, list) and node else [[]]
            named = calls[0][3] if len(calls[0]) == 4 else {}
            if len(calls) == 1 and any(map(_is_tensor, named.values())):
                first = _tensor(calls[0])
                arguments = {k: _tensor(v) if _is_tensor(v) else v for k, v in named.items()}
                nodes[index] = {"args": [first], "kwargs": arguments}
                count += 1
    return count


def is_neutral(key: str, value: Any) -> bool:
    """Return whether a setting that Keras 3 does not know changes nothing of what is computed."""
    return value is None or value is False or _TRAINING.fullmatch(key) is not None


def with_its_own_functions(model: keras.Model) -> keras.Model:
    """Give the layers of a model of Keras 2 the functions that they were trained with."""
    for layer in model._flatten_layers():
        for place in (layer, getattr(layer, "cell", None)):
            for name in ("activation", "recurrent_activation"):
                if getattr(place, name, None) is keras.activations.hard_sigmoid:
                    setattr(place, name, _hard_sigmoid)
    return model


def _hard_sigmoid(x: Any) -> Any:
    """Compute what Keras 2 calls by this name: 0.2 x + 0.5 between 0 and 1; now it is x / 6."""
    return keras.ops.clip(x * 0.2 + 0.5, 0.0, 1.0)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, list) and [type(one) for one in value] == [str, int, int]


def _tensor(history: Any) -> Config:
    about = {"shape": [None], "dtype": "float32", "keras_history": list(history[:3])}
    return {"class_name": "__keras_tensor__", "config": about}


def _in_full_precision(settings: Config) -> int:
    """Have a layer compute in float32: so are its weights kept, and so are features computed."""
    policy = settings.get("dtype")
    if isinstance(policy, dict) and isinstance(policy.get("config"), dict):
        policy = policy["config"].get("name")
    if not isinstance(policy, str) or not _HALF.fullmatch(policy):
        return 0
    settings["dtype"] = "float32"
    return 1


def _objects(value: Any) -> Iterator[Config]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _objects(item)
