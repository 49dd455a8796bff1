"""Puts everything between a raw frame and a network's input in front of the network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper

from edgefeat.errors import OptionError
from edgefeat.model.frame import FRAME_INPUT, FrameSpec
from edgefeat.model.spec import Colour, InputSpec, ResizeMode
from edgefeat.pictures import geometry
from edgefeat_export.frame import colours, resizing
from edgefeat_export.frame.steps import Steps

__all__ = ["in_front", "plan"]

_OPSETS_NEEDED = (("", 13), ("com.microsoft", 1))
SizeHw = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FramePlan:
    """What happens to a frame of one size.

    Attributes:
        taken: The part of the frame that is used.
        filled: The part of the network's input that it fills.
        way: How the part of the frame gets the size of that part of the input.
    """

    taken: geometry.Window
    filled: geometry.Window
    way: resizing.Way


def plan(size_hw: SizeHw, network: InputSpec) -> FramePlan:
    """Return what happens to frames of a size, if a graph can give the runtime's own bytes.

    Args:
        size_hw: The frames' height and width.
        network: The input of the network behind.

    Raises:
        OptionError: A graph cannot repeat the runtime's resize at this size. The error names the
            nearest sizes at which it can.
    """
    found = _planned(size_hw, network)
    if found is not None:
        return found
    near = resizing.nearest(size_hw, lambda one: _planned(one, network) is not None)
    named = ", ".join(f"{width}x{height}" for height, width in near)
    height, width = size_hw
    rows, columns = network.size_hw
    raise OptionError(
        f"frames of {width} x {height} pixels have no exact graph for an input of {columns} x "
        f"{rows}: the sides have too little in common",
        option="frame",
        remedy=(f"Nearest sizes that have one: {named}. " if near else "")
        + "Or use the model itself, which takes every size.",
    )


def in_front(core: onnx.ModelProto, network: InputSpec, frame: FrameSpec) -> onnx.ModelProto:
    """Return a model that takes raw frames and makes the network's input of them itself.

    Args:
        core: The model that gets the input; it is not changed.
        network: Input of that model.
        frame: The frame that the new model takes, named `frame`: uint8 `(1, rows, columns,
            values)`.

    Raises:
        OptionError: The size has no exact graph.
    """
    steps = _steps(plan(frame.size_hw, network), network, frame)
    graph = helper.make_graph(
        [*steps.nodes, *core.graph.node],
        core.graph.name,
        [helper.make_tensor_value_info(FRAME_INPUT, TensorProto.UINT8, [1, *frame.shape])],
        list(core.graph.output),
        [*steps.constants, *core.graph.initializer],
        value_info=list(core.graph.value_info),
    )
    opsets = {opset.domain: opset.version for opset in core.opset_import}
    for domain, version in _OPSETS_NEEDED:
        opsets[domain] = max(version, opsets.get(domain, version))
    return helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid(*opset) for opset in opsets.items()],
        ir_version=core.ir_version,
        producer_name=core.producer_name,
        producer_version=core.producer_version,
    )


def _planned(size_hw: SizeHw, network: InputSpec) -> FramePlan | None:
    whole = geometry.Window(top=0, left=0, size_hw=size_hw)
    taken, filled = whole, geometry.Window(top=0, left=0, size_hw=network.size_hw)
    if network.resize.mode is ResizeMode.CENTER_CROP:
        taken = geometry.centre(size_hw, network.size_hw, network.resize.crop_fraction)
    elif network.resize.mode is ResizeMode.LETTERBOX:
        filled = geometry.fitted(size_hw, network.size_hw)
    way = resizing.way(taken.size_hw, filled.size_hw, network.resize.interpolation)
    return None if way is None else FramePlan(taken=taken, filled=filled, way=way)


def _steps(planned: FramePlan, network: InputSpec, frame: FrameSpec) -> Steps:
    """Write down a plan; the last step makes the network's input."""
    steps = Steps()
    order = "bgr" if network.colour is Colour.BGR else "rgb"
    value, channels, kept = FRAME_INPUT, 3, tuple(range(3))
    if colours.is_yuv(frame.pixels):
        value = colours.from_yuv(steps, value, frame, order)
    else:
        channels = colours.channels(frame.pixels)
        kept = colours.places(frame.pixels, order)
    whole, (top, left) = frame.size_hw, (planned.taken.top, planned.taken.left)
    taken_h, taken_w = planned.taken.size_hw
    if taken_h < whole[0]:
        value = steps.slice(value, 1, top, top + taken_h)
    if taken_w < whole[1]:
        value = steps.slice(value, 2, left, left + taken_w)
    value = resizing.append(
        steps,
        value,
        planned.way,
        planned.taken.size_hw,
        planned.filled.size_hw,
        channels=channels,
        kept=kept,
    )
    value = _padded(steps, value, planned.filled, network)
    if network.colour is Colour.GREY:
        value = colours.grey(steps, value, order)
    steps.add("Identity", [value], output=network.name)
    return steps


def _padded(steps: Steps, value: str, filled: geometry.Window, network: InputSpec) -> str:
    if filled.size_hw == network.size_hw:
        return value
    (rows, columns), (height, width) = network.size_hw, filled.size_hw
    below, right = rows - height - filled.top, columns - width - filled.left
    borders = steps.whole_numbers(0, filled.top, filled.left, 0, 0, below, right, 0)
    level = steps.constant(np.array(network.resize.pad_value, np.uint8))
    return steps.add("Pad", [value, borders, level])
