"""What a user names becomes a list of pictures; what is not taken is counted by kind."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path

import pytest

from edgefeat.errors import SourceError
from edgefeat.listing.excludes import Excludes
from edgefeat.listing.listing import Listing, expand
from edgefeat.listing.names_file import read_names
from edgefeat.listing.paths import plain_path

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
MP4 = b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2"


@pytest.fixture
def phone(photos: Path, tmp_path: Path) -> Path:
    """A phone's folder: pictures of several kinds, a video, a page, and what systems leave."""
    folder = tmp_path / "DCIM"
    for name in ("@eaDir", "__MACOSX", "100", ".thumbnails"):
        (folder / name).mkdir(parents=True)
    for name in ("1.JPG", "2.jfif", "no-suffix", "100/3.dat", "@eaDir/4.jpg", "__MACOSX/5.jpg"):
        shutil.copy(photos / "coffee.jpg", folder / name)
    for name in (".6.jpg", ".thumbnails/7.jpg"):
        shutil.copy(photos / "coffee.jpg", folder / name)
    for name in ("8.psd", "9.PSD"):
        (folder / name).write_bytes(b"8BPS" + bytes(60))
    (folder / "clip.mov").write_bytes(MP4)
    (folder / "index.html").write_text("<!doctype html><title>x</title>")
    (folder / "page.jpg").write_text("<!doctype html><title>not found</title>")
    (folder / "notes.txt").write_text("Tuesday")
    (folder / "Thumbs.db").write_bytes(b"junk")
    (folder / "empty").write_bytes(b"")
    os.mkfifo(folder / "fifo")
    (folder / "round").symlink_to(folder, target_is_directory=True)
    return folder


def listed(*sources: object, excludes: Excludes | None = None) -> Listing:
    with Listing(excludes) as listing:
        listing.add(map(str, sources))
        return listing


def test_a_folder_is_taken_by_what_is_inside_its_files(phone: Path) -> None:
    listing = listed(phone)
    names = [str(Path(path).relative_to(phone)) for path in listing.pictures]
    # A file that is called .jpg is tried, so that its failure has a name.
    assert names == ["1.JPG", "100/3.dat", "2.jfif", "no-suffix", "page.jpg"]
    assert listing.tally.counts() == {
        "photoshop": 2, "empty": 1, "html": 1, "link-to-a-folder": 1, "mp4": 1,
        "no-regular-file": 1, "unknown": 1,
    }  # fmt: skip
    assert next(iter(listing.tally.counts())) == "photoshop"  # pictures come first
    by_kind = {one.kind.key: one for one in listing.tally.kinds()}
    assert by_kind["photoshop"].kind.remedy == "Convert it to JPEG or PNG."
    assert by_kind["mp4"].kind.remedy == (
        "For its frames use `edgefeat.stream`, or `edgefeat stream FILE`."
    )
    assert by_kind["photoshop"].example == f"{phone}/8.psd"
    assert (listing.excludes.by_default, listing.excludes.by_user) == (5, 0)
    assert listing.failures == []


def test_every_file_is_accounted_for(phone: Path) -> None:
    listing = listed(phone, excludes=Excludes(defaults=False))
    total = sum(len(files) for _, _, files in os.walk(phone)) + 1  # the link to a folder
    assert len(listing.pictures) + sum(listing.tally.counts().values()) == total


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("*.JPG", {"2.jfif", "100/3.dat", "no-suffix", "page.jpg"}),
        ("100", {"1.JPG", "2.jfif", "no-suffix", "page.jpg"}),
        ("100/*", {"1.JPG", "2.jfif", "no-suffix", "page.jpg"}),
        ("/100/", {"1.JPG", "2.jfif", "no-suffix", "page.jpg"}),
        ("*.jpg", {"1.JPG", "2.jfif", "100/3.dat", "no-suffix"}),
    ],
)
def test_excludes(phone: Path, pattern: str, left: set[str]) -> None:
    excludes = Excludes([pattern, "*.tmp"])
    listing = listed(phone, excludes=excludes)
    assert {str(Path(path).relative_to(phone)) for path in listing.pictures} == left
    assert excludes.by_user == (2 if pattern == "*.jpg" else 1)  # .6.jpg too
    assert excludes.of_no_use == ["*.tmp"]


def test_excludes_hold_for_patterns_and_not_for_names(phone: Path) -> None:
    excludes = Excludes(["1.*"])
    listing = listed(f"{phone}/*", phone / "1.JPG", f"{phone}/@eaDir/4.jpg", excludes=excludes)
    names = {str(Path(path).relative_to(phone)) for path in listing.pictures}
    assert names == {"1.JPG", "2.jfif", "no-suffix", "page.jpg", "@eaDir/4.jpg"}


def test_patterns_say_what_matched(phone: Path) -> None:
    with pytest.raises(SourceError) as caught:
        expand(f"{phone}/*.[pP][sS][dD]")
    assert str(caught.value) == (
        f"{phone}/*.[pP][sS][dD]: none of the 2 files that match is a picture that is read: "
        "2 photoshop. Convert it to JPEG or PNG."
    )
    with pytest.raises(SourceError, match=r"this pattern names no file\. Check it, and quote it\."):
        expand(f"{phone}/*.xyz")
    assert expand(f"{phone}/no-*") == [f"{phone}/no-suffix"]
    assert len(expand(f"{phone}/**/*.dat")) == 1
    listing = listed(f"{phone}/1*")
    assert listing.tally.counts() == {"folder": 1}  # 100/, which a pattern does not enter


def test_folders_without_pictures_say_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no file in this folder\. Check the path\."):
        expand(str(tmp_path))
    (tmp_path / "a.psd").write_bytes(b"8BPS")
    (tmp_path / "b").write_bytes(MP4)
    with pytest.raises(SourceError) as caught:
        expand(str(tmp_path))
    assert str(caught.value) == (
        f"{tmp_path}: none of the 2 files below it is a picture that is read: 1 photoshop, 1 mp4. "
        "Convert it to JPEG or PNG."
    )


def test_what_is_left_out_is_not_called_missing(phone: Path) -> None:
    with pytest.raises(SourceError) as caught:
        expand(f"{phone}/.6*")
    assert str(caught.value) == (
        f"{phone}/.6*: no picture: 1 file or folder that match, all left out. What is left out by "
        "default can be taken with default_excludes=False."
    )
    listing = listed(f"{phone}/.6*", excludes=Excludes(defaults=False))
    assert listing.pictures == [f"{phone}/.6.jpg"]
    (phone / "100" / "3.dat").rename(phone / "100" / ".3.dat")
    with pytest.raises(SourceError, match="no picture: 1 file or folder below it, all left out"):
        expand(f"{phone}/100")


def test_a_picture_named_twice_is_taken_once(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photos)
    listing = listed(".", "./coffee.jpg", "coffee.jpg", ".//./rocket.jpg")
    assert listing.pictures == ["chelsea.jpg", "coffee.jpg", "rocket.jpg"]
    assert listing.repeated == 3
    assert listing.failures == []


@pytest.mark.parametrize(
    ("given", "plain"),
    [("./a", "a"), ("a//b/./c", "a/b/c"), ("/a/./b/", "/a/b"), ("../a", "../a"), ("./", ".")],
)
def test_plain_paths(given: str, plain: str) -> None:
    assert plain_path(given) == plain


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"a.jpg\nb c.jpg\n", ["a.jpg", "b c.jpg"]),
        (b"a.jpg\r\n\r\nb.jpg", ["a.jpg", "b.jpg"]),
        (b"\xef\xbb\xbfa.jpg\n", ["a.jpg"]),
        (b"a\nb.jpg\0c.jpg\0", ["a\nb.jpg", "c.jpg"]),
        (b"latin-\xe9.jpg\n#no comment\n", ["latin-\udce9.jpg", "#no comment"]),
        (b"", []),
        (b"x" * 60_000 + b"\n" + b"y" * 60_000, ["x" * 60_000, "y" * 60_000]),
    ],
    ids=["lines", "windows", "bom", "zero-bytes", "bytes", "empty", "long"],
)
def test_lists_of_names(
    content: bytes, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "names").write_bytes(content)
    assert list(read_names(str(tmp_path / "names"))) == names
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert list(read_names("-")) == names


def test_lists_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none: no such file\. Check the path\."):
        list(read_names(str(tmp_path / "none")))
    with pytest.raises(SourceError, match="cannot be read: Is a directory"):
        list(read_names(str(tmp_path)))
    (tmp_path / "zeros").write_bytes(b"\n" + b"x" * 200_000)
    with pytest.raises(SourceError, match="a name of more than 65536 bytes"):
        list(read_names(str(tmp_path / "zeros")))
