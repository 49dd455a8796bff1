"""What systemd is told, over a real socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from edgefeat.host.systemd import Systemd


@pytest.fixture
def listening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.bind(str(tmp_path / "notify"))
        there.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield there


def test_without_systemd_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.setenv("WATCHDOG_USEC", "1000")
    told = Systemd(lambda: True)
    assert told.watchdog_s is None
    told.ready()
    told.stopping()


def test_ready_status_and_stopping(listening: socket.socket) -> None:
    told = Systemd(lambda: True)
    told.ready()
    told.status("camera: lost:\nno frame for 5 s")
    told.stopping()
    said = [listening.recv(1024) for _ in range(3)]
    assert said == [b"READY=1", b"STATUS=camera: lost: no frame for 5 s", b"STOPPING=1"]


def test_the_watchdog_is_fed_while_all_is_well(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "150000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    well = [True]
    told = Systemd(lambda: well[0])
    assert told.watchdog_s == pytest.approx(0.15)
    told.ready()
    assert [listening.recv(64) for _ in range(4)] == [b"READY=1", *[b"WATCHDOG=1"] * 3]
    well[0] = False
    listening.settimeout(0.3)
    late = 0
    with suppress(TimeoutError):
        while late < 5:
            listening.recv(64)
            late += 1
    assert late <= 1  # one may have been on its way
    told.stopping()


def test_a_watchdog_of_another_process_is_not_ours(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "150000")
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert Systemd(lambda: True).watchdog_s is None


def test_an_abstract_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"edgefeat-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.bind(f"\0{name}")
        there.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        Systemd(lambda: True).ready()
        assert there.recv(64) == b"READY=1"


def test_a_socket_that_nobody_reads_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    Systemd(lambda: True).ready()
