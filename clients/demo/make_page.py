"""Makes one HTML file that computes features in the browser: opened from disk, it fetches nothing.

    npm install onnxruntime-web
    edgefeat-export bundle MODEL.onnx --frame 640x480 --pixels rgba -o page.onnx
    python make_page.py page.onnx PHOTO... -o page.html

PHOTO... are the set among which the page finds the nearest. They are scaled to the frame by OpenCV.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
from pathlib import Path

import cv2
import numpy as np

from edgefeat import FeatureExtractor
from edgefeat.model.probe import probe_image

_RUNTIME = "ort.wasm.bundle.min.mjs"
_WASM = "ort-wasm-simd-threaded.wasm"
_THUMBNAIL_PIXELS = 320


def main() -> int:
    """Write the page; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path, help="a bundle for rgba frames")
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
    parser.add_argument("-o", "--output", type=Path, default=Path("page.html"))
    parser.add_argument(
        "--ort",
        type=Path,
        default=Path("node_modules/onnxruntime-web/dist"),
        metavar="DIR",
        help="dist folder of the npm package onnxruntime-web (default: %(default)s)",
    )
    arguments = parser.parse_args()
    if not (arguments.ort / _WASM).exists():
        parser.error(f"{arguments.ort}: no {_WASM}; run `npm install onnxruntime-web`")
    with FeatureExtractor(arguments.bundle) as extractor:
        frame = extractor.spec.frame
        if frame is None or frame.pixels != "rgba":
            parser.error(f"{arguments.bundle}: not a bundle made with `--pixels rgba`")
        probe = extractor.spec.probe
        if probe is None or probe.features_sha256 is None:
            parser.error(f"{arguments.bundle}: carries no hash; take an int8 model")
        data = {
            "width": frame.size_hw[1],
            "height": frame.size_hw[0],
            "probe": probe.features_sha256,
            "probeImage": _text(probe_image(probe.seed, frame.size_hw, 4).tobytes()),
            "model": _text(arguments.bundle.read_bytes()),
            "wasm": _text((arguments.ort / _WASM).read_bytes()),
            "set": [_photo(path, extractor, frame.size_hw) for path in arguments.photos],
        }
    page = (Path(__file__).parent / "page.html").read_text()
    page = page.replace("/*DATA*/null", json.dumps(data))
    page = page.replace("/*RUNTIME*/", _as_object((arguments.ort / _RUNTIME).read_text()))
    arguments.output.write_text(page)
    megabytes = arguments.output.stat().st_size / 1e6
    sys.stdout.write(f"{arguments.output}  {megabytes:.1f} MB, {len(arguments.photos)} photos\n")
    return 0


def _as_object(module: str) -> str:
    """Return a module's text as one object named `ort`, for a page of one file."""
    code, _, exported = module.rpartition("export{")
    pairs = [pair.split(" as ") for pair in exported.partition("}")[0].split(",")]
    fields = ", ".join(f"{pair[-1].strip()}: {pair[0].strip()}" for pair in pairs)
    whole = f"const ort = (() => {{\n{code}\nreturn {{ {fields} }};\n}})();"
    return whole.replace("</script", "<\\/script")


def _photo(path: Path, extractor: FeatureExtractor, size_hw: tuple[int, int]) -> dict[str, str]:
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise SystemExit(f"{path}: not a picture that OpenCV reads")
    scaled = cv2.resize(pixels, size_hw[::-1], interpolation=cv2.INTER_AREA).astype(np.uint8)
    features = extractor.extract(scaled).astype("<f4")
    factor = _THUMBNAIL_PIXELS / max(pixels.shape[:2])
    small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
    return {
        "name": path.stem,
        "thumbnail": f"data:image/jpeg;base64,{_text(jpeg)}",
        "features": _text(features.tobytes()),
    }


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


if __name__ == "__main__":
    sys.exit(main())
