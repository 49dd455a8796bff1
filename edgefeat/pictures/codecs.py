"""Which formats the installed decoders read, asked of the decoders themselves.

OpenCV is built with or without GIF, AVIF and JPEG 2000, and HEIC needs pillow-heif. Each format is
asked for once a process, when a picture of it turns up: OpenCV decodes one pixel of it.
"""

from __future__ import annotations

import binascii

import cv2
import numpy as np

from edgefeat.pictures.formats import ALWAYS_READ, ImageFormat
from edgefeat.pictures.native_words import listening

__all__ = ["formats_read", "how_to_read", "is_read"]

# One pixel of each, by Pillow: save(file, kind, quality=1, no_jp2=True, num_resolutions=1).
_ONE_PIXEL = {
    ImageFormat.GIF: "R0lGODdhAQABAIEAAAAAAAAAAAAAAAAAACwAAAAAAQABAAAIBAABBAQAOw==",
    ImageFormat.WEBP: "UklGRhoAAABXRUJQVlA4TA4AAAAvAAAAAAcQEf0PRET/Aw==",
    ImageFormat.AVIF: (
        "AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAADrbWV0YQAAAAAAAAAhaGRscgAAAAAAAAAAcGljdAAAAAAA"
        "AAAAAAAAAAAAAAAOcGl0bQAAAAAAAQAAAB5pbG9jAAAAAEQAAAEAAQAAAAEAAAETAAAAIAAAAChpaW5mAAAAAAABAAAA"
        "GmluZmUCAAAAAAEAAGF2MDFDb2xvcgAAAABqaXBycAAAAEtpcGNvAAAAFGlzcGUAAAAAAAAAAQAAAAEAAAAQcGl4aQAA"
        "AAADCAgIAAAADGF2MUOBAAwAAAAAE2NvbHJuY2x4AAEADQAGgAAAABdpcG1hAAAAAAAAAAEAAQQBAoMEAAAAKG1kYXQS"
        "AAoIGAAGiAhoNCAyEh/3h4UV3///4s/AAJA1jjx+3A=="
    ),
    ImageFormat.JPEG2000: (
        "/0//UQAvAAAAAAABAAAAAQAAAAAAAAAAAAAAAQAAAAEAAAAAAAAAAAADBwEBBwEBBwEB/1IADAAAAAEAAAQEAAH/XAAE"
        "QED/ZAAlAAFDcmVhdGVkIGJ5IE9wZW5KUEVHIHZlcnNpb24gMi41LjT/kAAKAAAAAAAaAAH/k9+ACAffgAgH34AIB//Z"
    ),
}
_found: dict[ImageFormat, bool] = {}


def is_read(kind: ImageFormat) -> bool:
    """Return whether a decoder for a format is installed."""
    if kind not in _found:
        _found[kind] = _ask(kind)
    return _found[kind]


def formats_read() -> dict[ImageFormat, bool]:
    """Return every format, and whether it is read here; each decoder is really asked."""
    return {kind: is_read(kind) and _writes_and_reads(kind) for kind in ImageFormat}


def how_to_read(kind: ImageFormat) -> str:
    """Return what to do where no decoder for a format is installed, as a sentence."""
    if kind is ImageFormat.HEIC:
        return "Run `pip install 'edgefeat[heif]'`, or convert it to JPEG or PNG."
    return (
        f"Convert it to JPEG or PNG, or install an OpenCV that is built with {kind} "
        "(`edgefeat doctor` lists what yours reads)."
    )


def _writes_and_reads(kind: ImageFormat) -> bool:
    """Ask OpenCV for the formats that are taken for granted when a picture comes."""
    suffix = {ImageFormat.JPEG: ".jpg", ImageFormat.PNG: ".png", ImageFormat.TIFF: ".tif"}
    if kind not in suffix:
        return True
    try:
        data = cv2.imencode(suffix[kind], np.zeros((8, 8, 3), np.uint8))[1]
        return cv2.imdecode(data, cv2.IMREAD_COLOR) is not None
    except cv2.error:
        return False


def _ask(kind: ImageFormat) -> bool:
    if kind is ImageFormat.HEIC:
        from importlib.util import find_spec  # not at every start

        return find_spec("pillow_heif") is not None
    if kind in ALWAYS_READ:
        return True
    data = np.frombuffer(binascii.a2b_base64(_ONE_PIXEL[kind]), np.uint8)
    with listening():
        try:
            return cv2.imdecode(data, cv2.IMREAD_COLOR) is not None
        except cv2.error:
            return False
