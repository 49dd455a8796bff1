"""A model file is committed only when its fingerprint changes, or what a cosine means."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgefeat.model.file import read_model_file
from model_history import needless
from tests_support import join_model, split_model

REMEDY = (
    "The fingerprint is the same, so the file in the repository does as well: take the old one back"
    " with `git checkout COMMIT^ -- FILE` before the commit is published."
)


@pytest.fixture
def repository(tmp_path: Path, root: Path) -> Path:
    model = (root / "tests" / "data" / "three_outputs.onnx").read_bytes()
    (tmp_path / "model.onnx").write_bytes(model)
    (tmp_path / "rule").write_text("from here on")
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def git(repository: Path, *arguments: str) -> None:
    who = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    subprocess.run(["git", "-C", str(repository), *who, *arguments], check=True)


def commit(repository: Path) -> None:
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "change")


def rewrite(repository: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the spec beside the graph, as another build on another day does."""
    path = repository / "model.onnx"
    content, metadata = split_model(path.read_bytes())
    spec = json.loads(metadata["edgefeat.spec"])
    change(spec)
    path.write_bytes(join_model(content, {**metadata, "edgefeat.spec": json.dumps(spec)}))


def measured_anew(spec: dict[str, Any]) -> None:
    spec["source"]["tools"]["numpy"] = "9.9"


def test_models_are_committed_only_when_they_change(root: Path) -> None:
    if not (root / ".git").exists():
        pytest.skip("not a clone: there is no history")
    found = needless(root, since="tests/contract/test_model_history.py")
    assert found == [], REMEDY


def test_the_same_model_written_again_is_found(repository: Path) -> None:
    assert needless(repository, since="rule") == []
    rewrite(repository, measured_anew)
    assert needless(repository, since="rule") == ["uncommitted model.onnx"]
    commit(repository)
    (found,) = needless(repository, since="rule")
    assert found.split()[1] == "model.onnx"


def test_another_model_is_none(repository: Path, root: Path) -> None:
    other = root / "models" / "efficientnet_lite0_224_int8.onnx"
    path = repository / "model.onnx"
    assert read_model_file(other).spec.fingerprint != read_model_file(path).spec.fingerprint
    path.write_bytes(other.read_bytes())
    commit(repository)
    assert needless(repository, since="rule") == []


def test_levels_measured_anew_are_a_reason(repository: Path) -> None:
    def mended(spec: dict[str, Any]) -> None:
        spec["similarity"] = {"same": 0.9, "near": 0.8, "look": 0.7, "other_p999": 0.5}

    rewrite(repository, mended)
    commit(repository)
    assert needless(repository, since="rule") == []
    rewrite(repository, measured_anew)
    assert needless(repository, since="rule") == ["uncommitted model.onnx"]


def test_what_was_committed_before_the_rule_is_let_be(repository: Path) -> None:
    rewrite(repository, measured_anew)
    commit(repository)
    (repository / "later").write_text("from here on")
    commit(repository)
    assert needless(repository, since="later") == []
