"""A contact sheet is one file that loads nothing, and shows names as text."""

from __future__ import annotations

import base64
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgefeat import FeatureExtractor, FeatureSet, SinkError
from edgefeat.cli.main import main
from edgefeat.sheets.page import write_sheet
from edgefeat.sheets.sheet import of_duplicates, of_search, of_set
from edgefeat.sheets.thumbnails import SIDE, make_thumbnails

ODD = 'a "quoted" <b>&amp;.jpg'


class Page(HTMLParser):
    """What a browser would find: tags with their attributes, and texts."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def of(self, tag: str, css: str = "") -> list[dict[str, str | None]]:
        found = [attributes for name, attributes in self.tags if name == tag]
        return [one for one in found if css in (one.get("class") or "")]


@pytest.fixture(scope="module")
def library(
    tmp_path_factory: pytest.TempPathFactory, photos: Path, extractor: FeatureExtractor
) -> FeatureSet:
    """Two photos and a mirrored one, one with an odd name, one gone since."""
    folder = tmp_path_factory.mktemp("photos") / "<i>folder"
    folder.mkdir()
    shutil.copy(photos / "coffee.jpg", folder / ODD)
    mirrored = cv2.imread(str(photos / "coffee.jpg"))[:, ::-1]
    cv2.imwrite(str(folder / "mirrored.png"), mirrored)
    shutil.copy(photos / "rocket.jpg", folder / "gone.jpg")
    names = sorted(map(str, folder.iterdir()))
    library = FeatureSet.of(extractor.extract_batch(names), extractor, paths=names)
    (folder / "gone.jpg").unlink()
    return library


def test_every_picture_of_a_set_is_on_its_sheet(library: FeatureSet, tmp_path: Path) -> None:
    done: list[None] = []
    missing = write_sheet(
        of_set(library), tmp_path / "sheet.html", on_picture=lambda: done.append(None)
    )
    assert (missing, len(done)) == (1, 3)
    page = Page(tmp_path / "sheet.html")
    assert [card["data-path"] for card in page.of("li", "card")] == list(library.paths)
    pictures = [one for one in page.of("img") if one.get("src")]
    assert len(pictures) == 2
    assert "cannot be read now" in page.texts
    for one in pictures:
        head, _, data = str(one["src"]).partition(",")
        assert head == "data:image/jpeg;base64"
        pixels = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
        assert (str(pixels.shape[1]), str(pixels.shape[0])) == (one["width"], one["height"])
        assert max(pixels.shape) == SIDE
    assert any("600 × 400" in text for text in page.texts)


def test_the_page_loads_and_sends_nothing(library: FeatureSet, tmp_path: Path) -> None:
    write_sheet(of_duplicates(library.duplicates("look")), tmp_path / "sheet.html")
    page = Page(tmp_path / "sheet.html")
    (policy,) = (one for one in page.of("meta") if "http-equiv" in one)
    assert str(policy["content"]).startswith("default-src 'none'; img-src data:;")
    text = (tmp_path / "sheet.html").read_text()
    without_pictures = re.sub(r'src="data:image/jpeg;base64,[A-Za-z0-9+/=]+"', "", text)
    assert not re.search(
        r"(src|href|action)=|url\(|https?:|fetch|import\(|XMLHttp|@import", (without_pictures)
    )


def test_names_are_text_and_never_markup(library: FeatureSet, tmp_path: Path) -> None:
    write_sheet(of_set(library), tmp_path / "sheet.html")
    page = Page(tmp_path / "sheet.html")
    assert {tag for tag, _ in page.tags} <= {
        "html", "meta", "title", "style", "body", "h1", "h2", "div", "p", "input", "output", "span",
        "kbd", "section", "ol", "li", "img", "b", "i", "button", "dialog", "textarea", "script",
    }  # fmt: skip
    assert len(page.of("i")) == 0  # "<i>folder" is a name
    assert ODD in page.texts
    odd = [card for card in page.of("li", "card") if str(card["data-path"]).endswith(ODD)]
    assert len(odd) == 1
    assert not set(odd[0]) - {"class", "tabindex", "data-path"}


def test_a_sheet_of_duplicates_marks_all_but_the_one_to_keep(
    library: FeatureSet, tmp_path: Path
) -> None:
    write_sheet(of_duplicates(library.duplicates("look")), tmp_path / "sheet.html")
    page = Page(tmp_path / "sheet.html")
    keep, other = page.of("li", "card")
    assert str(keep["data-path"]).endswith("mirrored.png")
    assert (keep["class"], other["class"]) == ("card", "card marked")
    assert len(page.of("i", "word keep")) == 1
    assert "Group 1: 2 pictures" in page.texts


def test_a_sheet_of_a_search_begins_with_the_photo(library: FeatureSet, tmp_path: Path) -> None:
    query = library.paths[0]
    found = library.search(library[0], k=2)
    sheet = of_search(library, [(query, found)], metric="cosine")
    assert [card.path for card in sheet.sections[0].cards] == [query, *found.paths]
    write_sheet(sheet, tmp_path / "sheet.html")
    assert "1.000" in Page(tmp_path / "sheet.html").texts
    assert any("distances" in fact for fact in of_search(library, [], metric="euclidean").facts)


def test_a_name_that_is_no_text_is_spelled_out(tmp_path: Path, photos: Path) -> None:
    from sets_support import info_of, written_set

    toy = written_set(tmp_path / "f.npz", info_of(), ["caf\udce9.jpg", "a\x1b[2J.jpg"])
    assert write_sheet(of_set(toy), tmp_path / "sheet.html") == 2
    texts = Page(tmp_path / "sheet.html").texts
    assert r"caf\udce9.jpg" in texts
    assert r"a\x1b[2J.jpg" in texts


def test_a_detailed_picture_becomes_a_short_file(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(256, size=(900, 1200, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "noise.png"), noise)
    line = np.zeros((3, 900, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "line.png"), line)
    busy, thin, none = make_thumbnails([str(tmp_path / n) for n in ("noise.png", "line.png", "no")])
    assert busy is not None
    assert len(busy.jpeg) < 20_000
    assert (busy.width, busy.height) == (240, 180)
    assert thin is not None
    assert (thin.width, thin.height) == (240, 1)
    assert none is None


def test_a_page_that_cannot_be_written_is_said_so(library: FeatureSet, tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="nowhere does not exist"):
        write_sheet(of_set(library), tmp_path / "nowhere" / "sheet.html")


def test_the_commands_write_sheets(
    library: FeatureSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library.save(tmp_path / "set.npz")
    where = str(tmp_path / "set.npz")
    assert main(["sheet", where, "-o", str(tmp_path / "a.html")]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"edgefeat: {tmp_path}/a.html: 1 of 3 pictures cannot be read now. ")
    asked = ["duplicates", where, "--level", "look", "-q", "--html", str(tmp_path / "b.html")]
    assert main(asked) == 0
    assert main(["search", where, library.paths[0], "-k", "1", "--html", f"{tmp_path}/c.html"]) == 0
    cards = [len(Page(tmp_path / f"{name}.html").of("li", "card")) for name in "abc"]
    assert cards == [3, 2, 2]
    assert main(["sheet", where, "-o", str(tmp_path / "no" / "a.html")]) == 3
