"""The recipes of docs/stores run as they stand, find what edgefeat finds, and guard the model.

`make test-stores` makes an environment with the stores. A store that is missing fails.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import edgefeat

ROOT = Path(__file__).parents[2]
STORES = ("duckdb", "faiss", "lancedb", "qdrant", "sqlite")
CAN_LOAD = hasattr(sqlite3.Connection, "enable_load_extension")


def run(store: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "docs" / "stores" / f"{store}_store.py"), *words],
        cwd=folder, capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def library(folder: Path, *, normalize: bool = False) -> edgefeat.FeatureSet:
    photos = sorted(map(str, (ROOT / "tests" / "data" / "photos").glob("*.jpg")))
    with edgefeat.FeatureExtractor(normalize=normalize) as extractor:
        made = edgefeat.FeatureSet.of(extractor.extract_batch(photos), extractor, paths=photos)
    made.save(folder / "set.npz")
    return made


@pytest.mark.parametrize("store", STORES)
def test_a_store_finds_what_edgefeat_finds(store: str, tmp_path: Path) -> None:
    there = library(tmp_path)
    photo = there.paths[1]
    done = run(store, tmp_path, "set.npz", photo)
    if store == "sqlite" and not CAN_LOAD:
        assert "cannot load extensions: take the system's Python" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    lines = [line.split(" ", 1) for line in done.stdout.splitlines()]
    expected = there.search(photo, k=3)
    assert [path for _, path in lines] == list(expected.paths)
    assert [float(score) for score, _ in lines] == pytest.approx(
        [match.score for match in expected], abs=1e-3
    )


@pytest.mark.parametrize("store", STORES)
def test_a_store_refuses_another_model(store: str, tmp_path: Path) -> None:
    there = library(tmp_path, normalize=True)
    done = run(store, tmp_path, "set.npz", there.paths[1])
    if store == "sqlite" and not CAN_LOAD:
        assert "cannot load extensions" in done.stderr
        return
    assert done.returncode == 1
    assert "another model" in done.stderr or "no collection of this model" in done.stderr


def test_rows_for_pgvector_keep_every_number(tmp_path: Path) -> None:
    there = library(tmp_path)
    done = run("pgvector", tmp_path, "set.npz")
    head, _, copied = done.stdout.partition("from stdin;\n")
    assert f"check (fingerprint = '{there.info.fingerprint}')" in head
    assert f"features vector({there.info.dim})" in head
    *rows, end = copied.splitlines()
    assert end == r"\."
    for line, one in zip(rows, there, strict=True):
        path, fingerprint, numbers = line.split("\t")
        assert (path, fingerprint) == (one.path, there.info.fingerprint)
        read = np.array(numbers.strip("[]").split(","), np.float32)
        assert np.array_equal(read, one.features)
