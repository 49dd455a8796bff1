"""Names of files: another cut of the same network gets another name."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from edgefeat_export.cut.headless import Tap
from edgefeat_export.networks import network as networks

__all__ = ["name_of_cut"]

_LONGEST: Final = 60  # characters that layers add to a name; a hash stands for what is left out
_HASH: Final = 8


def name_of_cut(name: str, taps: Sequence[Tap]) -> str:
    """Return the name of a network that is cut at taps.

    Args:
        name: Name of the network.
        taps: Where features leave it. Those that name no layer add nothing.

    Returns:
        The name with the layers behind it, such as `mine_block5_gem`.
    """
    parts = [
        "_".join(filter(None, (tap.layer, tap.pooling))) for tap in taps if tap.layer is not None
    ]
    if not parts:
        return name
    suffix = networks.file_safe("_".join(parts))
    if len(suffix) > _LONGEST:
        digest = hashlib.sha256(suffix.encode()).hexdigest()[:_HASH]
        suffix = f"{suffix[: _LONGEST - _HASH - 1]}_{digest}"
    return f"{name}_{suffix}"
