"""The way from a frame to the network's input: the runtime's own bytes, or a refusal."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from edgefeat.errors import OptionError
from edgefeat.model.frame import FrameSpec, PixelLayout
from edgefeat.model.spec import Colour, InputSpec, Interpolation, ResizeMode, ResizeSpec
from edgefeat.pictures.preprocess import Preprocessor
from edgefeat_export.frame import front

Pixels = NDArray[np.uint8]
Size = tuple[int, int]
TO_BGR = {
    PixelLayout.RGB: cv2.COLOR_RGB2BGR,
    PixelLayout.RGBA: cv2.COLOR_RGBA2BGR,
    PixelLayout.NV12: cv2.COLOR_YUV2BGR_NV12,
    PixelLayout.YUYV422: cv2.COLOR_YUV2BGR_YUYV,
}


def frame_spec(size_hw: Size, pixels: PixelLayout = PixelLayout.RGB) -> FrameSpec:
    return FrameSpec(
        size_hw=size_hw, pixels=pixels, core_content_sha256="0" * 64, core_fingerprint="0" * 64
    )


def network(size_hw: Size = (224, 224), *, colour: Colour = Colour.RGB, **resize: Any) -> InputSpec:
    return InputSpec(size_hw=size_hw, colour=colour, resize=ResizeSpec(**resize))


def prepared(raw: Pixels, spec: InputSpec, frame: FrameSpec) -> Pixels:
    """Run the way alone, with a network behind it that changes nothing."""
    shape = [1, *spec.size_hw, spec.channels]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.UINT8, shape) for name in ("image", "o")
    ]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["image"], ["o"])], "g", ends[:1], ends[1:]
    )
    core = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    model = front.in_front(core, spec, frame)
    onnx.checker.check_model(model, full_check=True)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (result,) = session.run(None, {"frame": raw[np.newaxis]})
    return np.asarray(result)[0]


def as_bgr(raw: Pixels, pixels: PixelLayout) -> Pixels:
    if pixels is PixelLayout.BGR:
        return raw
    planes = raw[..., 0] if pixels is PixelLayout.NV12 else raw
    return cv2.cvtColor(planes, TO_BGR[pixels]).astype(np.uint8, copy=False)


def holds(spec: InputSpec, frame: FrameSpec) -> None:
    """Hold the way to the runtime's own, byte for byte, on noise and on both ends."""
    rng = np.random.default_rng(sum(frame.size_hw))
    raws = [rng.integers(0, 256, frame.shape, np.uint8)]
    raws += [np.full(frame.shape, level, np.uint8) for level in (0, 255)]
    for raw in raws:
        want = Preprocessor.from_spec(spec)(as_bgr(raw, frame.pixels))
        np.testing.assert_array_equal(prepared(raw, spec, frame), want)


@pytest.mark.parametrize("pixels", list(PixelLayout))
@pytest.mark.parametrize("colour", list(Colour))
@pytest.mark.parametrize(
    "size", [(480, 640), (224, 224), (120, 160)], ids=["smaller", "equal", "larger"]
)
def test_every_layout_for_every_colour(size: Size, colour: Colour, pixels: PixelLayout) -> None:
    holds(network(colour=colour), frame_spec(size, pixels))


@pytest.mark.parametrize("size", [(240, 320), (720, 1280), (1080, 1920), (3000, 4000)])
def test_sizes_of_cameras(size: Size) -> None:
    holds(network(), frame_spec(size))


@pytest.mark.parametrize(
    ("size", "resize"),
    [
        ((480, 640), {"mode": ResizeMode.CENTER_CROP}),
        ((480, 640), {"mode": ResizeMode.CENTER_CROP, "crop_fraction": 0.7}),
        ((720, 1280), {"mode": ResizeMode.LETTERBOX, "pad_value": 127}),
        ((1280, 720), {"mode": ResizeMode.LETTERBOX, "pad_value": 0}),
        ((481, 643), {"interpolation": Interpolation.BILINEAR}),
        ((1081, 99), {"interpolation": Interpolation.BILINEAR}),
        ((97, 201), {}),
        ((97, 201), {"mode": ResizeMode.LETTERBOX}),
        ((333, 555), {"mode": ResizeMode.LETTERBOX, "interpolation": Interpolation.BILINEAR}),
    ],
    ids=str,
)
@pytest.mark.parametrize("pixels", [PixelLayout.BGR, PixelLayout.RGBA])
def test_every_resize_mode(size: Size, resize: dict[str, Any], pixels: PixelLayout) -> None:
    holds(network(**resize), frame_spec(size, pixels))


def test_every_pair_of_brightness_and_colour_is_opencvs() -> None:
    y, c = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    raw = np.stack([y, y, c, c[::-1]], axis=-1).reshape(256, 512, 2)
    raw[..., 1] = np.stack([c, c[::-1]], axis=-1).reshape(256, 512)
    spec = network((256, 512))
    holds(spec, frame_spec((256, 512), PixelLayout.YUYV422))
    frame = frame_spec((256, 512), PixelLayout.YUYV422)
    want = Preprocessor.from_spec(spec)(as_bgr(raw, frame.pixels))
    np.testing.assert_array_equal(prepared(raw, spec, frame), want)


def test_a_size_without_an_exact_graph_names_the_nearest_that_have_one() -> None:
    with pytest.raises(OptionError) as caught:
        front.plan((348, 348), network())
    assert caught.value.option == "frame"
    assert "348 x 348" in caught.value.problem
    named = caught.value.remedy or ""
    assert "348x350" in named
    for text in named.split(": ")[1].split(". ")[0].split(", "):
        width, height = map(int, text.split("x"))
        holds(network(), frame_spec((height, width)))


def test_a_size_far_from_any_other_is_refused_all_the_same() -> None:
    with pytest.raises(OptionError) as caught:
        front.plan((9001, 13), network())
    assert "takes every size" in (caught.value.remedy or "")
