"""The picture formats that edgefeat knows how to read, and the suffixes their files have."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["ALWAYS_READ", "FORMATS", "SUFFIXES", "ImageFormat"]


class ImageFormat(StrEnum):
    """The formats that are read, some of them only where a decoder is installed (`codecs`)."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WebP"
    GIF = "GIF"
    BMP = "BMP"
    TIFF = "TIFF"
    NETPBM = "PBM/PGM/PPM"
    AVIF = "AVIF"
    JPEG2000 = "JPEG 2000"
    HEIC = "HEIC"


ALWAYS_READ = frozenset(
    {
        ImageFormat.JPEG,
        ImageFormat.PNG,
        ImageFormat.BMP,
        ImageFormat.TIFF,
        ImageFormat.NETPBM,
    }
)
"""What every OpenCV reads, or edgefeat itself."""
FORMATS = ", ".join(ImageFormat)
SUFFIXES = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".jfi", ".mpo"),
        *(".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff"),
        *(".pbm", ".pgm", ".ppm", ".pnm", ".avif", ".jp2", ".j2k", ".heic", ".heif"),
    }
)
"""How the names of such files end, in lower case; what a file is, its first bytes say (`kind`)."""
