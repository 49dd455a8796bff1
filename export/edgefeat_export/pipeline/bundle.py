"""A finished model file becomes a bundle: one file from a raw camera frame to features."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat import FeatureExtractor
from edgefeat.errors import OptionError
from edgefeat.measures import agreement
from edgefeat.model.file import ModelFile, read_model_file
from edgefeat.model.frame import SPEC_VERSION_WITH_FRAME, FrameSpec, PixelLayout
from edgefeat.model.probe import GENERATOR, features_sha256, probe_image
from edgefeat.model.spec import PRIMARY_OUTPUT, ModelSpec, Probe
from edgefeat.options import checks
from edgefeat.options.extractor import ALL_OUTPUTS
from edgefeat_export.errors import ExportError, VerificationError
from edgefeat_export.frame import front
from edgefeat_export.graph import soundness
from edgefeat_export.pipeline import publish, specs
from edgefeat_export.pipeline.drafts import Draft
from edgefeat_export.pipeline.request import Say, path_of, silent
from edgefeat_export.proof import stamp

__all__ = ["Bundle", "bundle"]

SizeHw = tuple[int, int]
_PROBE_SEED: Final = 1
_PROBE_TOLERANCE: Final = 2e-3  # what storing the expected features as float16 may cost
_FLOAT_TOLERANCE: Final = 1e-5
"""How far a float model's features may differ. ONNX Runtime may choose other kernels for them."""
_TO_BGR: Final = {
    PixelLayout.RGB: cv2.COLOR_RGB2BGR,
    PixelLayout.RGBA: cv2.COLOR_RGBA2BGR,
    PixelLayout.NV12: cv2.COLOR_YUV2BGR_NV12,
    PixelLayout.YUYV422: cv2.COLOR_YUV2BGR_YUYV,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A file that takes raw frames of one size.

    Attributes:
        path: Place of the file.
        spec: What the file says of itself.
        size_bytes: Length of the file.
        core_size_bytes: Length of the model inside it.
        equal_frames: How many frames gave features equal to the model's, bit for bit.
        frames: How many frames were tried.
    """

    path: Path
    spec: ModelSpec
    size_bytes: int
    core_size_bytes: int
    equal_frames: int
    frames: int


def bundle(
    model: str | os.PathLike[str],
    frames: Iterable[SizeHw],
    output: str | os.PathLike[str] | None = None,
    *,
    pixels: str | PixelLayout = PixelLayout.RGB,
    say: Say = silent,
) -> tuple[Bundle, ...]:
    """Put the resize of one frame size in front of a model, and hold the result to the model.

        bundle("models/efficientnet_lite0_224_int8.onnx", [(480, 640)], "camera.onnx")

    Args:
        model: A file that `build` or `quantize` made.
        frames: Height and width of the frames; one file is made for each.
        output: The file, or a folder, which several sizes need; None takes the model's folder.
        pixels: How the bytes of a frame are laid out: `rgb`, `bgr`, `rgba` (alpha is dropped),
            `nv12` or `yuyv422`.
        say: Takes lines of progress.

    Returns:
        One bundle for each size, in the order given. In a folder they are named
        `<model>_<width>x<height>_<pixels>.onnx`.

    Raises:
        ExportError: It is a bundle already, or a file cannot be written.
        VerificationError: A frame's features are not those of the model.
        ModelError: The file is damaged or not one of edgefeat.
        OptionError: An option makes no sense, or a size has no exact graph.

    No file is written unless all of them have passed.
    """
    source = Path(model)
    layout = PixelLayout(checks.choice("pixels", str(pixels), *map(str, PixelLayout)))
    sizes = _checked_sizes(frames)
    file = read_model_file(source)
    if file.spec.frame is not None:
        raise ExportError(
            "is a bundle already", where=source, remedy="Give the model that it was made from."
        )
    paths = _paths(source, sizes, layout, path_of(output))
    specs_of_frames = [_frame_spec(file, size, layout) for size in sizes]
    for frame in specs_of_frames:  # a size that cannot be had is told before any work
        front.plan(frame.size_hw, file.spec.input)
    core = onnx.load(source)
    made, proofs = [], []
    with publish.output_folder(paths[0].parent), _all_of(source) as extractor:
        for frame, path in zip(specs_of_frames, paths, strict=True):
            height, width = frame.size_hw
            say(f"{width}x{height} {layout}: comparing frames with {source.name}")
            draft, equal, tried = _draft(core, file.spec, frame, path, extractor)
            made.append(draft)
            proofs.append((equal, tried))
        finished = publish.publish(made)
    for one in finished:
        say(f"wrote {one.path}")
    return tuple(
        Bundle(
            path=one.path,
            spec=one.spec,
            size_bytes=one.size_bytes,
            core_size_bytes=file.size_bytes,
            equal_frames=equal,
            frames=tried,
        )
        for one, (equal, tried) in zip(finished, proofs, strict=True)
    )


def _checked_sizes(frames: Iterable[SizeHw]) -> list[SizeHw]:
    sizes = [(int(height), int(width)) for height, width in frames]
    if not sizes:
        raise OptionError("expected at least one size, got none", option="frame")
    if len(set(sizes)) < len(sizes):
        raise OptionError("expected different sizes, got one twice", option="frame")
    return sizes


def _frame_spec(file: ModelFile, size_hw: SizeHw, layout: PixelLayout) -> FrameSpec:
    try:
        return FrameSpec(
            size_hw=size_hw,
            pixels=layout,
            core_content_sha256=file.content_sha256,
            core_fingerprint=file.spec.fingerprint,
        )
    except OptionError as error:
        raise OptionError(error.problem, option="frame") from error


def _paths(
    source: Path, sizes: Sequence[SizeHw], layout: PixelLayout, output: Path | None
) -> list[Path]:
    names = [f"{source.stem}_{width}x{height}_{layout}.onnx" for height, width in sizes]
    if output is None:
        return [source.with_name(name) for name in names]
    if output.suffix != ".onnx" or output.is_dir():
        return [output / name for name in names]
    if len(sizes) > 1:
        raise OptionError(
            f"expected a folder for {len(sizes)} sizes, got the file {output}", option="output"
        )
    if output.exists() and output.samefile(source):
        raise OptionError(
            f"expected another file than the model itself, got {output}", option="output"
        )
    return [output]


def _draft(
    core: onnx.ModelProto,
    spec: ModelSpec,
    frame: FrameSpec,
    path: Path,
    extractor: FeatureExtractor,
) -> tuple[Draft, int, int]:
    """Return a proven bundle, how many frames were equal bit for bit, and how many were tried."""
    model = front.in_front(core, spec.input, frame)
    bundled = replace(
        spec,
        spec_version=SPEC_VERSION_WITH_FRAME,
        probe=None,
        fingerprint=stamp.fingerprint_of(model, spec.input, spec.outputs, frame=frame),
        frame=frame,
    )
    soundness.require_sound(model, bundled)
    exact = spec.probe is not None and spec.probe.features_sha256 is not None
    equal = tried = 0
    with (
        stamp.beside(model, bundled, path) as spool,
        _all_of(spool.part) as ours,
    ):
        for name, raw in _frames(frame):
            got = ours.extract_prepared(raw[np.newaxis])[0].reshape(-1)
            want = extractor.extract(_as_bgr(raw, frame)).reshape(-1)
            tried += 1
            equal += got.tobytes() == want.tobytes()
            _require_same(got, want, exact=exact, where=f"{path.name}, {name}")
        probe = _probe(ours, frame, exact=exact)
    parities = {} if spec.parity is None else {spec.primary.name: spec.parity}
    draft = Draft(path=path, model=model, spec=replace(bundled, probe=probe), parities=parities)
    return draft, equal, tried


def _all_of(path: Path) -> FeatureExtractor:
    """Open a file for all its outputs side by side; it is not worth a place in the cache."""
    return FeatureExtractor(path, outputs=ALL_OUTPUTS, cache=False)


def _frames(frame: FrameSpec) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield frames that a resize may get wrong: flat, noisy, with edges of one pixel."""
    rows, columns, values = frame.shape
    yield "all 0", np.zeros(frame.shape, np.uint8)
    yield "all 255", np.full(frame.shape, 255, np.uint8)
    stripes = np.zeros(frame.shape, np.uint8)
    stripes[::2, 1::2] = 255
    yield "a pixel's stripes", stripes
    for seed in range(3):
        noise = np.random.default_rng(seed).integers(0, 256, frame.shape, np.uint8)
        yield f"noise {seed}", noise
    for seed in range(1, 5):
        yield f"probe picture {seed}", probe_image(seed, (rows, columns), values)


def _as_bgr(raw: NDArray[np.uint8], frame: FrameSpec) -> NDArray[np.uint8]:
    conversion = _TO_BGR.get(frame.pixels)
    if conversion is None:
        return raw
    planes = raw[..., 0] if frame.pixels is PixelLayout.NV12 else raw
    return cv2.cvtColor(planes, conversion).astype(np.uint8, copy=False)


def _require_same(
    got: NDArray[np.float32], want: NDArray[np.float32], *, exact: bool, where: str
) -> None:
    apart = float(agreement.relative_l2(want[np.newaxis], got[np.newaxis])[0])
    if got.tobytes() == want.tobytes() or (not exact and apart <= _FLOAT_TOLERANCE):
        return
    allowed = "no bit" if exact else f"{_FLOAT_TOLERANCE:.0e}"
    raise VerificationError(
        f"features differ from the model's by a relative L2 of {apart:.1e}, allowed: {allowed}",
        where=where,
        remedy="Report this: it is a fault of the exporter.",
    )


def _probe(ours: FeatureExtractor, frame: FrameSpec, *, exact: bool) -> Probe:
    """Return the self-test of a bundle: a picture of the frame's own size and layout."""
    rows, columns, values = frame.shape
    image = probe_image(_PROBE_SEED, (rows, columns), values)
    features = ours.outputs_prepared(image[np.newaxis])[PRIMARY_OUTPUT][0].reshape(-1)
    expected, dtype = specs.kept_features(features)
    return Probe(
        generator=GENERATOR,
        seed=_PROBE_SEED,
        size_hw=(rows, columns),
        expected=expected,
        expected_dtype=dtype,
        relative_l2_max=_PROBE_TOLERANCE,
        features_sha256=features_sha256(features) if exact else None,
    )
