"""PBM, PGM, PPM and PAM, plain and binary, to several greatest values."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from picture_variants.scene import H, Variant, W, alpha, scene


def netpbms() -> Iterator[Variant]:
    for most in (1, 15, 127, 255, 256, 1023, 4095, 65534, 65535):
        values = (scene() * most + 127) // 255
        kind = ">u2" if most > 255 else "u1"
        colour, grey = values.astype(float) * 255 / most, values[..., 2:].astype(float) * 255 / most
        text = " ".join(map(str, values.ravel().tolist()))
        size = f"{W} {H}\n# a comment\n{most}\n"
        for name, data, shown in (
            ("ppm", f"P6 {size}".encode() + values.astype(kind).tobytes(), colour),
            ("pgm", f"P5\n{size}".encode() + values[..., 2].astype(kind).tobytes(), grey),
            ("plain ppm", f"P3\n{size}{text}".encode(), colour),
        ):
            rgb = np.repeat(shown, 3, 2) if shown.shape[2] == 1 else shown
            # Pillow 13 clips grey of more than 8 bits when it becomes RGB.
            good = name != "pgm" or most <= 255
            yield Variant(name=f"{name} to {most}", data=data, rgb=rgb, pillow=good)
        for bands, kind_name in ((2, "GRAYSCALE_ALPHA"), (4, "RGB_ALPHA")):
            clear = (alpha() * most + 127) // 255
            stored = np.dstack((values[..., 2:] if bands == 2 else values, clear))
            head = (
                f"P7\nWIDTH {W}\nHEIGHT {H}\nDEPTH {bands}\nMAXVAL {most}\n"
                f"TUPLTYPE {kind_name}\nENDHDR\n"
            )
            base = np.repeat(grey, 3, 2) if bands == 2 else colour
            share = clear / most
            yield Variant(
                name=f"pam {kind_name} to {most}",
                data=head.encode() + stored.astype(kind).tobytes(),
                rgb=base * share + 255 * (1 - share),
                near=0.8,
                pillow=False,
            )
    bits = (scene()[..., 2] > 127).astype(np.uint8)
    shown = np.repeat((1 - bits[..., np.newaxis]) * 255.0, 3, 2)
    packed = np.packbits(bits, axis=1).tobytes()
    yield Variant(name="pbm", data=f"P4 {W} {H}\n".encode() + packed, rgb=shown)
    text = "".join(map(str, bits.ravel().tolist()))
    yield Variant(name="plain pbm", data=f"P1 # bits\n{W} {H}\n{text}\n".encode(), rgb=shown)
