"""Prints, as JSON, what this CPU makes of frames from each kind of source.

    python tests/cpus/sources.py MODEL.onnx

Hashes of pixels and features of JPEGs and of raw frames in every layout: with the shipped int8
model they equal `tests/data/frames.json` on any CPU. And features, in full, of the tests' clip by
each decoder that is installed: FFmpeg changes colours with other functions on other CPUs.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile

import cv2
import numpy as np

from edgefeat import FeatureExtractor
from edgefeat.model.probe import probe_image
from edgefeat.options.video import DecoderName, VideoOptions
from edgefeat.pictures.decode import ImageInput
from edgefeat.sources import PixelFormat, RawFormat, Source, open_source
from edgefeat.sources.base import Unconverted
from edgefeat.sources.camera_frames import as_sent
from edgefeat.sources.stdin import PipeSource

CLIP = Path(__file__).parents[1] / "data" / "video" / "vfr.mp4"
SIZES_HW = ((480, 640), (720, 1280), (1080, 1920))
FRAMES = 2


def frames() -> Iterator[tuple[str, ImageInput]]:
    """Yield JPEGs and raw frames as a pipe and a camera of the device give them, by name."""
    for height, width in SIZES_HW:
        pictures = [probe_image(seed, (height, width)) for seed in range(FRAMES)]
        jpegs = [cv2.imencode(".jpg", one)[1].tobytes() for one in pictures]
        yield from _both(f"JPEG {width}x{height}", jpegs, None)
    for pixel in PixelFormat:
        raw = RawFormat(size_hw=SIZES_HW[0], pixel=pixel)
        noise = np.random.default_rng(0)
        yield from _both(pixel.value, [noise.bytes(raw.frame_bytes) for _ in range(FRAMES)], raw)


def _both(name: str, sent: list[bytes], raw: RawFormat | None) -> Iterator[tuple[str, ImageInput]]:
    with TemporaryFile() as stream:
        stream.write(b"".join(sent))
        stream.seek(0)
        for number, image in enumerate(_read(PipeSource(raw, stream=stream))):
            yield f"{name} on a pipe {number}", image
    if raw is not None and raw.pixel in (PixelFormat.BGR24, PixelFormat.RGB24):
        return  # which OpenCV converts for a camera
    for number, one in enumerate(sent):
        frame = as_sent(np.frombuffer(one, np.uint8).reshape(2 if raw else 1, -1), raw, "camera")
        image = frame.convert() if isinstance(frame, Unconverted) else frame
        yield f"{name} of a camera {number}", image


def _read(source: Source) -> Iterator[ImageInput]:
    with closing(source.open(timeout_s=600)) as reader:
        for _ in range(FRAMES):
            assert reader.grab() is not None
            yield reader.retrieve()


def hashes(extractor: FeatureExtractor) -> dict[str, str]:
    """Return the sha256 of each frame's pixels at the model's size, and of its features."""
    found: dict[str, str] = {}
    for name, image in frames():
        pixels = extractor.prepare(image)
        features = extractor.extract_prepared(pixels[np.newaxis])
        for what, array in (("pixels", pixels), ("features", features)):
            digest = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
            found[f"{name}: {what}"] = digest
    return found


def video(extractor: FeatureExtractor) -> dict[str, str]:
    """Return the features of a clip's first frames by each decoder, float32 as base64."""
    found = {}
    for decoder in (DecoderName.OPENCV, DecoderName.PYAV):
        if decoder is DecoderName.PYAV and not find_spec("av"):
            continue
        clip = open_source(CLIP, video=VideoOptions.of(decoder=decoder))
        for number, image in enumerate(_read(clip)):
            features = extractor.extract(image).astype("<f4")
            found[f"{decoder.value} {number}"] = base64.b64encode(features.tobytes()).decode()
    return found


if __name__ == "__main__":
    with FeatureExtractor(sys.argv[1], cache=False) as opened:
        json.dump({"hashes": hashes(opened), "video": video(opened)}, sys.stdout, indent=1)
