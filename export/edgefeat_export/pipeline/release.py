"""`python -m edgefeat_export.pipeline.release models`: rebuilds models/ from the source weights.

Writes the default backbone's files, manifest.json, and the table in models/README.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

from edgefeat_export.networks.backbones import DEFAULT_BACKBONE
from edgefeat_export.pipeline.request import BuildRequest, Built, NetworkRequest
from edgefeat_export.quiet import import_tensorflow

__all__ = ["main", "release"]

_BEGIN, _END = "<!-- table: made by `make models` -->\n", "<!-- end of table -->\n"


def release(folder: Path) -> list[Built]:
    """Build the default models into a folder, with manifest.json beside them."""
    import_tensorflow()
    from edgefeat_export.pipeline.build import build  # after TensorFlow, which it needs at import

    network = NetworkRequest(name=DEFAULT_BACKBONE)
    built = build(BuildRequest(network=network, output=folder), say=_say)
    manifest = {"models": [_entry(one) for one in built]}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    readme = folder / "README.md"
    if readme.exists():
        readme.write_text(_with_table(readme.read_text(), built))
    return built


def main() -> int:
    """Run the rebuild; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m edgefeat_export.pipeline.release", description=__doc__
    )
    parser.add_argument("folder", type=Path)
    release(parser.parse_args().folder)
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"edgefeat-export: {line}\n")


def _entry(one: Built) -> dict[str, object]:
    spec = json.loads(one.spec.to_json())
    return {
        "file": one.path.name,
        "sha256": _sha256(one),
        "size_bytes": one.size_bytes,
        "dim": one.spec.dim,
        **{key: spec[key] for key in ("name", "precision", "fingerprint", "source", "parity")},
    }


def _with_table(text: str, built: list[Built]) -> str:
    rows = ["| file | size | features | cosine to Keras, mean / min | relative L2, max | sha256 |"]
    rows.append("|---|---|---|---|---|---|")
    for one in built:
        parity = one.spec.parity
        if parity is None:
            raise ValueError(f"{one.path}: not verified")
        rows.append(
            f"| `{one.path.name}` | {one.size_bytes / 1e6:.2f} MB | {one.spec.dim} "
            f"| {parity.cosine_mean:.5f} / {parity.cosine_min:.5f} | {parity.relative_l2_max:.1e} "
            f"| `{_sha256(one)[:16]}...` |"
        )
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}" + "\n".join(rows) + f"\n{_END}{after}"


def _sha256(one: Built) -> str:
    return hashlib.sha256(one.path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
