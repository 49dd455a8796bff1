"""What the runtime's tests share: the shipped model, and changed copies of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import edgefeat
from edgefeat.model.shipped import default_model_path
from tests_support import join_model, split_model

Restamp = Callable[[Callable[[dict[str, Any]], None]], Path]


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the tests, and the processes they start, out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEFEAT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def model_path() -> Path:
    return default_model_path()


@pytest.fixture
def restamp(model_path: Path, tmp_path: Path) -> Restamp:
    """Write a copy of the shipped model whose spec a function has changed."""

    def write(change: Callable[[dict[str, Any]], None]) -> Path:
        content, metadata = split_model(model_path.read_bytes())
        spec = json.loads(metadata["edgefeat.spec"])
        change(spec)
        path = tmp_path / "changed.onnx"
        path.write_bytes(join_model(content, metadata | {"edgefeat.spec": json.dumps(spec)}))
        return path

    return write


@pytest.fixture(scope="session")
def extractor() -> Iterator[edgefeat.FeatureExtractor]:
    with edgefeat.FeatureExtractor() as opened:
        yield opened
