"""A map shows every picture of a set, like ones together, in one file that loads nothing."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgefeat import FeatureExtractor, FeatureSet
from edgefeat.cli.main import main
from edgefeat.errors import DependencyError, OptionError
from edgefeat.sets.contents import SetContents
from edgefeat.sets.encoding import Stored
from edgefeat.sheets.map_page import write_map
from sets_support import info_of


def made(rows: np.ndarray, paths: list[str]) -> FeatureSet:
    columns = [[Stored(numbers=rows.astype(np.float32))]]
    return FeatureSet(SetContents(info=info_of(), paths=paths, frames=None, columns=columns))


def data_of(page: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text())
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_like_rows_lie_together() -> None:
    draw = np.random.default_rng(0)
    middles = draw.normal(size=(3, 5))
    truth = np.repeat(np.arange(3), 40)
    rows = (middles[truth] + 0.05 * draw.normal(size=(120, 5))) * draw.uniform(1, 9, (120, 1))
    there = made(rows, [str(row) for row in range(120)])
    places = there.plane()
    assert places.shape == (120, 2)
    centres = np.stack([places[truth == group].mean(axis=0) for group in range(3)])
    inside = max(places[truth == group].std() for group in range(3))
    between = min(np.linalg.norm(centres[a] - centres[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
    assert between > 5 * np.std([places[truth == g] - centres[g] for g in range(3)])
    assert inside < 1
    assert np.array_equal(places, there.plane("pca"))
    order = draw.permutation(120)
    shuffled = made(rows[order], [str(row) for row in order]).plane()
    assert shuffled == pytest.approx(places[order], abs=1e-5)


def test_few_rows_and_equal_rows_have_places_too() -> None:
    assert made(np.empty((0, 5)), []).plane().shape == (0, 2)
    assert made(np.ones((1, 5)), ["a"]).plane() == pytest.approx(np.zeros((1, 2)), abs=1e-6)
    assert made(np.ones((4, 5)), list("abcd")).plane() == pytest.approx(np.zeros((4, 2)), abs=1e-6)


def test_other_layouts_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    there = made(np.eye(5), list("abcde"))
    with pytest.raises(OptionError, match="layout: expected 'pca' or 'umap', got 'tsne'"):
        there.plane("tsne")  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(DependencyError) as caught:
        there.plane("umap")
    assert str(caught.value) == (
        "this layout needs UMAP. Install it with `pip install umap-learn`."
    )


def test_a_map_holds_every_picture_by_folder(
    tmp_path: Path, photos: Path, extractor: FeatureExtractor
) -> None:
    for folder, names in (("a</script><b>", ["coffee", "rocket"]), ("b", ["chelsea"])):
        (tmp_path / folder.replace("/", "_")).mkdir()
        for name in names:
            shutil.copy(photos / f"{name}.jpg", tmp_path / folder.replace("/", "_"))
    paths = sorted(str(path) for path in tmp_path.rglob("*.jpg"))
    there = FeatureSet.of(extractor.extract_batch(paths), extractor, paths=paths)
    (tmp_path / "b" / "chelsea.jpg").unlink()
    page = tmp_path / "map.html"
    assert write_map(there, there.plane(), page) == 1
    data = data_of(page)
    assert data["names"] == paths
    assert data["labels"] == ["a<_script><b>", "b"]
    assert data["sizes"] == [2, 1]
    assert data["groups"] == [0, 0, 1]
    assert [picture is None for picture in data["pictures"]] == [False, False, True]
    spread = np.array([data["x"], data["y"]])
    assert np.abs(spread).max() == pytest.approx(1, abs=1e-3)
    text = page.read_text()
    assert "default-src 'none'" in text
    assert not re.search(r"https?:|fetch\(|import\(", text)


def test_colours_by_groups_end_with_the_largest(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    there = made(draw.normal(size=(60, 8)), [f"{row}/x.jpg" for row in range(60)])
    write_map(there, there.plane(), tmp_path / "a.html")
    data = data_of(tmp_path / "a.html")
    assert len(data["labels"]) == 24
    assert data["groups"].count(-1) == 36
    assert "Grey: 36 pictures" in (tmp_path / "a.html").read_text()
    write_map(there, there.plane(), tmp_path / "b.html", clusters=there.groups(3))
    data = data_of(tmp_path / "b.html")
    assert sorted(data["labels"]) == ["group 1", "group 2", "group 3"]
    assert sum(data["sizes"]) == 60


def test_the_commands_for_groups_and_maps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw = np.random.default_rng(1)
    rows = np.repeat(np.eye(5), 8, axis=0)[:38] + 0.01 * draw.normal(size=(38, 5))
    made(rows, [f"{row}.jpg" for row in range(38)]).save(tmp_path / "set.npz")
    where, lines = str(tmp_path / "set.npz"), tmp_path / "groups.jsonl"
    asked = [
        "cluster",
        where,
        "-k",
        "5",
        "-o",
        str(lines),
        "--html",
        str(tmp_path / "c.html"),
        "-q",
    ]
    assert main(asked) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "group 1: 8 pictures"
    assert re.fullmatch(r"   1\.000  \d+\.jpg", shown[1])
    assert shown[6] == "          and 3 more"
    groups = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [group["size"] for group in groups] == [8, 8, 8, 8, 6]
    assert {int(m["path"][:-4]) // 8 for m in groups[4]["members"]} == {4}
    assert main([*asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["groups"] == groups
    assert main(["cluster", where, "-k", "0"]) == 2
    assert "-k: expected a whole number of 1 or more, got 0." in capsys.readouterr().err
    assert main(["cluster", where, "-k", "60"]) == 0
    assert "38 groups: there are not as many" in capsys.readouterr().err
    assert main(["sheet", where, "--map", "-k", "5", "-o", str(tmp_path / "m.html")]) == 1
    assert len(data_of(tmp_path / "m.html")["labels"]) == 5
    assert main(["sheet", where, "-k", "5", "-o", str(tmp_path / "m.html")]) == 2
    assert "-k: has no effect without a map. Add --map." in capsys.readouterr().err
