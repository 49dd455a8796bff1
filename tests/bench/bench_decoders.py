"""Compares the decoders of video: what they make of lost packets, and what they cost.

    python tests/bench/bench_decoders.py [--frames 300]

Needs `edgefeat[av]`. A photo that stands still is encoded as H.264 in a transport stream, with a
key frame every 50 frames. From copies of it, groups of 7 packets are taken out, as a network loses
them. The features of every frame given are compared with the median of those of the whole stream.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np

import edgefeat
from edgefeat.options.video import VideoOptions
from edgefeat.pictures.decode import load_bgr
from edgefeat.sources import open_source

PHOTO = Path(__file__).parents[1] / "data" / "photos" / "coffee.jpg"
CELL, CELLS_LOST = 188, 7  # bytes of a packet of the transport stream, and packets a datagram
WRONG = 0.05  # cosine distance from the true features


def encode(path: Path, frames: int) -> None:
    """Write the stream: the photo with the noise of a sensor."""
    picture, rng = load_bgr(PHOTO), np.random.default_rng(1)
    with av.open(str(path), "w", format="mpegts") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "50", "bf": "0"})
        stream.height, stream.width = picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2
        stream.pix_fmt = "yuv420p"
        for _ in range(frames):
            noisy = picture + rng.normal(0, 3, picture.shape)
            shown = noisy.clip(0, 255).astype(np.uint8)[: stream.height, : stream.width]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(shown, format="bgr24")))
        container.mux(stream.encode(None))


def lossy(whole: bytes, share: float) -> bytes:
    """Take out datagrams at random, but none of the first, which say what the stream is."""
    rng, size = random.Random(2), CELL * CELLS_LOST
    datagrams = [whole[at : at + size] for at in range(0, len(whole), size)]
    return b"".join(one for n, one in enumerate(datagrams) if n < 20 or rng.random() >= share)


def main() -> None:
    """Print a line for each decoder and each share of lost packets."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--frames", type=int, default=300)
    frames: int = parser.parse_args().frames
    sys.stdout.write("decoder  lost   given  damaged  wrong  worst   CPU ms a frame\n")
    with tempfile.TemporaryDirectory() as folder, edgefeat.FeatureExtractor() as extractor:
        clip, broken = Path(folder, "clip.ts"), Path(folder, "broken.ts")
        encode(clip, frames)
        truth = np.median([r.features for r in edgefeat.stream(str(clip), extractor)], axis=0)
        for decoder in ("opencv", "pyav"):
            for share in (0.0, 0.005, 0.02, 0.05):
                broken.write_bytes(lossy(clip.read_bytes(), share))
                source = open_source(str(broken), video=VideoOptions.of(decoder=decoder))
                stream = edgefeat.stream(source, extractor)
                far = np.array([1 - edgefeat.cosine_similarity(truth, r.features) for r in stream])
                wrong = float((far > WRONG).mean()) if len(far) else 0.0
                damaged, cost_ms = stream.health().garbage, _cost_ms(str(broken), decoder)
                sys.stdout.write(
                    f"{decoder:8} {share:5.1%} {len(far):6} {damaged:8} {wrong:6.1%} "
                    f"{far.max(initial=0):6.3f}   {cost_ms:.2f}\n"
                )


def _cost_ms(path: str, decoder: str) -> float:
    """Return the CPU time of decoding a frame, in ms."""
    reader = open_source(path, video=VideoOptions.of(decoder=decoder)).open(timeout_s=5)
    started, count = time.process_time(), 0
    while True:
        try:
            if reader.grab() is None:
                break
            reader.retrieve()
        except edgefeat.SourceError:
            pass
        count += 1
    reader.close()
    return (time.process_time() - started) / count * 1000


if __name__ == "__main__":
    main()
