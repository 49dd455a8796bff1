"""`edgefeat stream` refuses what it cannot do, in words that name the flag."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgefeat.cli.main import main

COMMAND = [sys.executable, "-P", "-m", "edgefeat", "stream"]


def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=60, **options
    )


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["-", "--pixel", "nv12"],
            "--pixel: needs the size of the raw frames on stdin. Give it as in `--size 640x480`.",
        ),
        (
            ["-", "--size", "4x4", "--pixel", "rgb"],
            "--pixel: expected 'bgr24' or 'rgb24' or 'gray8' or 'yuyv422' or 'nv12' or 'yuv420p', "
            "got 'rgb'.",
        ),
        (
            ["clip.mp4", "--stride", "5"],
            "--stride: goes only with raw frames on stdin.",
        ),
        (["-", "--size", "4"], "--size: expected WIDTHxHEIGHT, such as 640x480, got '4'"),
        (["a.mp4", "--size", "4x4"], "--size: does not go with the source a.mp4. Leave it out."),
        (
            ["a.mp4", "--camera-fps", "4"],
            "--camera-fps: does not go with the source a.mp4. Leave it out.",
        ),
        (
            ["rtsp://u:p@h/", "--watch"],
            "--watch: does not go with the source rtsp://***@h/. Leave it out.",
        ),
        (
            ["photos", "-o", "a.npz", "--resume"],
            "--resume: goes on with a folder or a .jsonl file, not with 'a.npz'.",
        ),
        (["photos", "-o", "a.doc"], "--output: expected a folder or a file ending in .npz, .npy,"),
        (["a.mp4", "--fps", "-1"], "--fps: expected a number above 0, got -1.0."),
        (["a.mp4", "--every", "x"], "--every: expected a whole number of 1 or more, got 'x'."),
        (
            ["photos", "--fps", "2"],
            "the frames of photos have no times, so 2 a second mean nothing. "
            "Leave the rate out: --every 10 takes one frame of ten. Or choose the policy `newest`, "
            "which samples frames by their arrival.",
        ),
        (["a.mp4", "--novelty", "7"], "--novelty: expected a cosine distance up to 2, got 7."),
        (
            ["0", "--reconnect", "-1"],
            "--reconnect: expected a whole number of 0 or more, got '-1'.",
        ),
        (
            ["0", "--backoff", "60"],
            "--backoff-max: expected at least the first wait (60), got 30.",
        ),
        (
            ["photos", "--wait"],
            "--wait: does not go with photos, which is opened only once. Leave it out.",
        ),
        (
            ["photos", "--reconnect", "3"],
            "--reconnect: does not go with photos, which is opened only once. Leave it out.",
        ),
        (
            ["a.mp4", "--roi", "1,2"],
            "--roi: expected x,y,width,height inside the picture, got (1.0, 2.0).",
        ),
    ],
    ids=[
        "no-size",
        "pixel",
        "stdin-rate",
        "size",
        "camera-size",
        "camera-rate",
        "watch",
        "resume",
        "ending",
        "fps",
        "every",
        "fps-of-stills",
        "novelty",
        "retry",
        "backoff",
        "wait",
        "retry-of-stills",
        "roi",
    ],
)
def test_wrong_usage_exits_two(
    arguments: list[str],
    message: str,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(photos.parent)
    try:
        code: object = main(["stream", *arguments])
    except SystemExit as ended:  # argparse's own way
        code = ended.code
    assert code == 2
    assert message in capsys.readouterr().err


def test_a_source_that_cannot_be_opened_exits_three_and_hides_the_password() -> None:
    done = run("rtsp://me:hunter2@127.0.0.1:9/live?token=hunter2", "--timeout", "2")
    assert done.returncode == 3
    assert "hunter2" not in done.stdout + done.stderr
    last = done.stderr.splitlines()[-1].replace(" (Connection refused)", "")  # PyAV knows it
    assert last == (
        "edgefeat: error: rtsp://***@127.0.0.1:9/live?token=***: refused or not a video stream. "
        "Check address, port, path, user and password."
    )


def test_the_error_that_ends_a_stream_is_told_once() -> None:
    done = run("nope.mp4")
    assert done.returncode == 3
    assert done.stderr == "edgefeat: error: nope.mp4: no such file. Check the path.\n"


def test_another_models_output_is_refused(photos: Path, tmp_path: Path) -> None:
    output = tmp_path / "a.jsonl"
    assert run(photos, "-q", "-o", output).returncode == 0
    done = run(photos, "-q", "-o", output, "--normalize", "--resume")
    assert done.returncode == 3
    assert "Vectors of different models or preprocessing cannot be compared" in done.stderr
    assert len(records(output.read_text())) == 3


def test_a_camera_that_sends_no_key_frame_in_time_is_explained() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"rtsp://127.0.0.1:{mute.getsockname()[1]}/live"
        done = run(url, "--timeout", "1")
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1] == (
        f"edgefeat: error: {url}: no answer, or no key frame, in 1 s. Check address, port, path, "
        "user and password; if key frames come more rarely, raise --timeout."
    )
