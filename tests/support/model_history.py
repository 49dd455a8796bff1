"""Finds commits of model files that nobody needed: the same graph and weights, written again.

Every commit of a model file stays in every clone for ever. Its spec also holds what was measured,
and that differs a little from build to build; the fingerprint does not, and neither does what a
cosine means. Who looks for copies needs the file in which that was mended.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from edgefeat.model.file import read_model_file
from edgefeat.model.spec import Similarity

__all__ = ["needless"]

Says = tuple[str, Similarity | None]


def needless(repository: Path, *, since: str) -> list[str]:
    """Return `COMMIT FILE` for each commit that rewrote a model file without changing it.

    Args:
        repository: A clone. Changes that are not committed yet count too.
        since: A file of the repository; only commits after the one that added it are looked at.
    """
    added = _git(repository, "log", "--diff-filter=A", "--format=%H", "--", since).split()
    if not added:
        return []  # an export of the sources, or a shallow clone
    commits = _git(repository, "rev-list", f"{added[-1]}..HEAD", "--", "*.onnx").split()
    found = []
    for commit in commits:
        for file in _changed(repository, f"{commit}^", commit):
            before, after = (_says(repository, f"{at}:{file}") for at in (f"{commit}^", commit))
            if before == after:
                found.append(f"{commit[:12]} {file}")
    for file in _changed(repository, "HEAD"):
        if _says(repository, f"HEAD:{file}") == _of_bytes((repository / file).read_bytes()):
            found.append(f"uncommitted {file}")
    return found


def _changed(repository: Path, *between: str) -> list[str]:
    """Return the model files whose bytes differ and that are on both sides."""
    arguments = ("diff", "--name-only", "--no-renames", "--diff-filter=M", *between)
    return _git(repository, *arguments, "--", "*.onnx").splitlines()


def _says(repository: Path, blob: str) -> Says:
    command = ["git", "-C", str(repository), "show", blob]
    return _of_bytes(subprocess.run(command, capture_output=True, check=True).stdout)


def _of_bytes(content: bytes) -> Says:
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        file.write(content)
        file.flush()
        spec = read_model_file(file.name).spec
        return spec.fingerprint, spec.similarity


def _git(repository: Path, *arguments: str) -> str:
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout
