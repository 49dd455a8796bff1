"""Files appear whole or not at all, for whom they are meant, and failures say what to do."""

from __future__ import annotations

import errno
import os
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgefeat import ModelError, SinkError
from edgefeat.atomic import Spool, check_place, explained, write_bytes, write_text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def test_a_file_appears_when_it_is_published(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    with Spool(path) as spool:
        spool.file.write(b"new")
        spool.file.flush()
        assert path.read_text() == "old"
        spool.publish()
    spool.discard()
    assert path.read_text() == "new"
    assert names(tmp_path) == ["f"]


@pytest.mark.parametrize("closing", [False, True], ids=["left", "discarded twice"])
def test_what_is_given_up_leaves_nothing(tmp_path: Path, closing: bool) -> None:
    with Spool(tmp_path / "f") as spool:
        spool.file.write(b"new")
        if closing:
            spool.discard()
            spool.discard()
    assert names(tmp_path) == []


def test_two_writers_of_one_path_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "f"
    with Spool(path, alone=False) as first, Spool(path, alone=False) as second:
        first.file.write(b"first")
        second.file.write(b"second")
        second.publish()
        first.publish()
        assert path.read_bytes() == b"first"
    with Spool(path) as living:
        with pytest.raises(SinkError) as caught, explained(path):
            Spool(path)
        living.publish()
    assert str(caught.value) == (
        f"{path}: another program is writing it. Wait for it to end, or choose another name."
    )
    assert names(tmp_path) == ["f"]


@pytest.mark.parametrize("links", [True, False], ids=["links", "no-links"])
def test_a_file_that_came_meanwhile_is_kept(
    tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without hard links, as on a FAT card, the check comes right before the rename."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "f"
    with Spool(path) as spool:
        path.write_text("came first")
        with pytest.raises(FileExistsError):
            spool.publish(replace=False)
    assert path.read_text() == "came first"
    path.unlink()
    with Spool(path) as spool:
        spool.file.write(b"new")
        spool.publish(replace=False)
    assert path.read_text() == "new"
    assert names(tmp_path) == ["f"]


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_umask_decides_who_may_read(tmp_path: Path, mask: int, mode: int) -> None:
    with umask(mask), Spool(tmp_path / "f") as spool:
        assert stat.S_IMODE(os.fstat(spool.file.fileno()).st_mode) == mode  # from the start
        spool.publish()
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == mode


def test_the_umask_is_never_changed(tmp_path: Path) -> None:
    """Another thread makes files all the while: none of them may be writable for everyone."""
    over = threading.Event()
    wrong: list[str] = []

    def watch() -> None:
        while not over.is_set():
            path = tmp_path / "other"
            path.write_text("")
            if path.stat().st_mode & 0o022:
                wrong.append(oct(path.stat().st_mode))
            path.unlink()

    with umask(0o022):
        watcher = threading.Thread(target=watch)
        watcher.start()
        for _ in range(300):
            write_bytes(tmp_path / "f", b"x", durable=False)
        over.set()
        watcher.join()
    assert wrong == []


def test_what_a_killed_writer_left_goes_with_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    child = os.fork()
    if child == 0:
        Spool(path).file.write(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    (left,) = names(tmp_path)
    assert left.startswith(".f.csv.")
    (tmp_path / ".f.csv.mine.part").write_text("of somebody else")
    Spool(path).publish()
    assert names(tmp_path) == [".f.csv.mine.part", "f.csv"]


def test_a_name_may_be_as_long_as_the_system_allows(tmp_path: Path) -> None:
    for name in ("n" * 255, "ü" * 127):
        write_text(tmp_path / name, "x")
        assert (tmp_path / name).read_text() == "x"


def test_places_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    missing, below, folder = tmp_path / "no" / "f", tmp_path / "file" / "f", tmp_path / "folder"
    expected = {
        missing: f"{missing}: the folder {tmp_path}/no does not exist. Create it, or choose "
        "another place.",
        below: f"{below}: {tmp_path}/file is a file, expected a folder. Choose another place.",
        folder: f"{folder}: a folder, expected a file. Name a file inside it.",
    }
    for path, message in expected.items():
        for attempt in (check_place, lambda where: write_bytes(where, b"")):
            with pytest.raises(SinkError) as caught:
                attempt(path)
            assert str(caught.value) == message
    check_place(tmp_path / "fine")
    assert names(tmp_path) == ["file", "folder"]


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.EACCES, "Choose another place, or change the permissions of out."),
        (errno.ENOSPC, "All is safe. Free some space, or choose a place on another disk."),
        (errno.EDQUOT, "All is safe. Free some space, or choose a place on another disk."),
        (errno.EROFS, "Choose a place on another disk."),
        (errno.ENAMETOOLONG, "Choose a shorter name."),
        (errno.EIO, "Choose another place."),
    ],
    ids=lambda value: errno.errorcode[value] if isinstance(value, int) else "",
)
def test_each_failure_has_its_own_remedy(number: int, remedy: str) -> None:
    with (
        pytest.raises(ModelError) as caught,
        explained(Path("out/f"), error=ModelError, kept="All is safe."),
    ):
        raise OSError(number, os.strerror(number))
    problem = f"cannot be written: {os.strerror(number)}"
    assert str(caught.value) == f"out/f: {problem}. {remedy}"


def test_a_failure_without_a_number_still_has_its_reason() -> None:
    with pytest.raises(SinkError) as caught, explained(Path("f")):
        raise OSError("10 requested and 4 written")
    assert caught.value.problem == "cannot be written: 10 requested and 4 written"
    with pytest.raises(BrokenPipeError), explained(Path("f")):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")
