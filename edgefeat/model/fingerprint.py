"""The fingerprint: what two feature sets must share to be compared.

It is computed where a model file is checked in full or its vector is changed by an option. Most
starts do neither and do not load this file: OpenSSL behind `hashlib` costs 3 ms and 3 MB.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from edgefeat.model import codec
from edgefeat.model.frame import FrameSpec
from edgefeat.model.spec import PRIMARY_OUTPUT, AnyInput, InputSpec, OutputSpec

__all__ = ["fingerprint"]


def fingerprint(
    content_sha256: str,
    input_spec: InputSpec | tuple[AnyInput, ...],
    outputs: tuple[OutputSpec, ...],
    *,
    l2: bool = False,
    chosen: tuple[str, ...] = (PRIMARY_OUTPUT,),
    frame: FrameSpec | None = None,
) -> str:
    """Return what two feature sets must share to be compared: 64 hexadecimal digits.

    Args:
        content_sha256: Hash of graph and weights, from `edgefeat.model.file.content_sha256`.
        input_spec: The preprocessing that really runs: the one picture of a spec 1.x or a bundle,
            or all inputs of a file that lists them, in order (`ModelSpec.sealed_input`).
        outputs: The outputs, in order.
        l2: Whether the runtime normalises the vector to unit length afterwards.
        chosen: The outputs whose numbers make the vector, in order.
        frame: The frame that the graph takes, if it takes one.
    """
    parts: dict[str, Any] = {
        "content": content_sha256,
        "inputs" if isinstance(input_spec, tuple) else "input": codec.write(input_spec),
        "outputs": [codec.write(output) for output in outputs],
        "l2": l2,
    }
    if chosen != (PRIMARY_OUTPUT,):
        parts["chosen"] = list(chosen)
    if frame is not None:
        parts["frame"] = codec.write(frame)
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
