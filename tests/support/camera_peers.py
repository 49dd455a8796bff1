"""Real servers of pictures and video, started on the loopback: ustreamer, motion, ffmpeg, nginx.

Debian: apt-get install ustreamer motion ffmpeg nginx
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("ustreamer", "motion", "ffmpeg", "nginx")
MJPEG_CAMERA = Path(__file__).with_name("mjpeg_camera.py")
_PATIENCE_S = 20.0

MOTION = """\
daemon off
setup_mode off
log_level 4
target_dir {folder}
netcam_url {source}
width 192
height 64
framerate 10
stream_port {port}
stream_localhost on
stream_maxrate 10
stream_auth_method {method}
stream_authentication me:p@ss
webcontrol_port 0
picture_output off
movie_output off
"""

NGINX = """\
{user}daemon off;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  types {{ application/vnd.apple.mpegurl m3u8; video/mp2t ts; video/mp4 mp4; }}
  server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(*command: object, port: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block is left; wait until it listens on `port`."""
    process = subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        if port is not None:
            wait_for_port(port, process)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until somebody listens; connecting would use up what serves only one."""
    wanted = f"{port:04X} 00000000:0000 0A"
    deadline = time.monotonic() + _PATIENCE_S
    while wanted not in Path("/proc/net/tcp").read_text():
        assert process.poll() is None, f"it ended by itself with {process.returncode}"
        assert time.monotonic() < deadline, "nobody listens"
        time.sleep(0.05)


@contextmanager
def ustreamer(*options: str) -> Iterator[str]:
    """Without a camera it streams one picture that says so."""
    port = free_port()
    command = ("ustreamer", "--host", "127.0.0.1", "--port", port, "--device", "/dev/none")
    with running(*command, *options, port=port):
        yield f"127.0.0.1:{port}"


@contextmanager
def motion(folder: Path, *, method: int) -> Iterator[str]:
    """Motion reads our own camera and hands its pictures on; the log-in is me:p@ss."""
    source, port = free_port(), free_port()
    with running(sys.executable, "-P", MJPEG_CAMERA, source, port=source):
        settings = folder / "motion.conf"
        settings.write_text(
            MOTION.format(
                folder=folder,
                source=f"http://127.0.0.1:{source}/live",
                port=port,
                method=method,
            )
        )
        with running("motion", "-n", "-c", settings, port=port):
            yield f"127.0.0.1:{port}"


@contextmanager
def ffmpeg_listening(kind: str, seconds: int) -> Iterator[str]:
    """ffmpeg as a server that takes one reader."""
    port = free_port()
    codec = ["-c:v", "mjpeg"] if kind == "mpjpeg" else ["-c:v", "libx264", "-g", "25", "-bf", "0"]
    command = [
        *("ffmpeg", "-loglevel", "error", "-re", "-f", "lavfi"),
        *("-i", f"testsrc=size=320x240:rate=25:duration={seconds}", "-pix_fmt", "yuvj420p"),
        *(*codec, "-f", kind, "-listen", "1", f"http://127.0.0.1:{port}"),
    ]
    with running(*command, port=port):
        yield f"http://127.0.0.1:{port}/"


@contextmanager
def nginx(folder: Path) -> Iterator[str]:
    port = free_port()
    settings = folder / "nginx.conf"
    user = "user root;\n" if os.getuid() == 0 else ""  # else its workers may not read the folder
    settings.write_text(NGINX.format(folder=folder, port=port, user=user))
    with running("nginx", "-p", folder, "-c", settings, port=port):
        yield f"http://127.0.0.1:{port}"


def clip(path: Path, seconds: int, *options: str) -> Path:
    """Write a video in which no picture repeats."""
    source = f"testsrc2=size=320x240:rate=25:duration={seconds}"
    subprocess.run(
        [
            *("ffmpeg", "-loglevel", "error", "-y", "-f", "lavfi", "-i", source),
            *("-c:v", "libx264", "-g", "25", "-pix_fmt", "yuv420p", *options, str(path)),
        ],
        check=True,
    )
    return path


@contextmanager
def hls(folder: Path, *, segment_s: int = 2, seconds: int = 60) -> Iterator[str]:
    """A live playlist, written at the pace of its pictures, behind nginx."""
    recorded = clip(folder / "source.mp4", seconds)
    playlist = folder / "live.m3u8"
    with (
        running(
            *("ffmpeg", "-loglevel", "error", "-re", "-i", recorded, "-c", "copy"),
            *("-f", "hls", "-hls_time", segment_s, "-hls_list_size", 3, playlist),
        ) as process,
        nginx(folder) as url,
    ):
        deadline = time.monotonic() + _PATIENCE_S
        while not playlist.exists() or playlist.read_text().count("#EXTINF") < 2:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield f"{url}/live.m3u8"


def missing() -> list[str]:
    return [name for name in PROGRAMS if shutil.which(name) is None]
