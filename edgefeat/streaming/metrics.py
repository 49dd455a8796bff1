"""Live numbers as Prometheus reads them, and the small server that hands them out.

Text format 0.0.4: one line for each number of each camera, labelled by device and camera.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from edgefeat.errors import OptionError, SinkError
from edgefeat.streaming.health import Health
from edgefeat.streaming.several.group_health import GroupHealth

__all__ = ["MetricsServer", "address_of", "prometheus_text"]

_LOOPBACK = "127.0.0.1"
_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_STATES = ("connecting", "streaming", "stalled", "frozen", "lost", "ended")
_COUNTERS = {
    "captured": ("frames_captured_total", "Frames that the source gave."),
    "emitted": ("records_total", "Records."),
    "dropped": ("frames_dropped_total", "Frames that made room for newer ones."),
    "discarded": ("frames_discarded_total", "Frames thrown away at a stop or a lost connection."),
    "repeated": ("frames_repeated_total", "Frames that the source gave again."),
    "garbage": ("frames_damaged_total", "Frames that were damaged."),
    "skipped_rate": ("frames_skipped_rate_total", "Frames left out by fps or every."),
    "skipped_motion": ("frames_skipped_motion_total", "Frames left out by motion."),
    "skipped_novelty": ("frames_skipped_novelty_total", "Frames left out by novelty."),
    "losses": ("losses_total", "Connections lost after they had given frames."),
    "reconnects": ("reconnects_total", "Connections after the first one, tried or made."),
    "untold": ("untold_total", "Events and reports that were not told."),
}
_GAUGES = {
    "fps_in": ("frames_per_second", "Frames a second over the last 5 seconds."),
    "fps_out": ("records_per_second", "Records a second over the last 5 seconds."),
    "last_frame_age_s": ("last_frame_age_seconds", "Seconds since the source gave a frame."),
    "last_record_age_s": ("last_record_age_seconds", "Seconds since the last record."),
    "busy_s": ("busy_seconds", "Seconds that the loop has worked on one frame, or waits to write."),
    "uptime_s": ("uptime_seconds", "Seconds since the stream was made."),
}
_MOTIONS = {"0.5": "motion_p50", "0.99": "motion_p99"}
_NOVELTIES = {"0.5": "novelty_p50", "0.99": "novelty_p99"}
_QUANTILES = {"0.5": "latency_p50_ms", "0.95": "latency_p95_ms", "0.99": "latency_p99_ms"}


def address_of(text: str) -> tuple[str, int]:
    """Read `PORT`, `HOST:PORT` or `[HOST]:PORT`; a port alone is on the loopback.

    Raises:
        OptionError: It is none of them.
    """
    host, _, port = text.rpartition(":")
    if not (port.isdecimal() and int(port) < 1 << 16) or text.startswith(":"):
        raise OptionError(
            f"expected a port or an address such as 127.0.0.1:9105, got {text!r}", option="metrics"
        )
    return host.strip("[]") or _LOOPBACK, int(port)


def prometheus_text(health: Health | GroupHealth) -> str:
    """Return live numbers in Prometheus's text format; numbers that are not known are left out."""
    cameras = [health] if isinstance(health, Health) else list(health.cameras.values())
    return "\n".join(_lines(cameras)) + "\n"


class MetricsServer:
    """Answers `GET /metrics`, each time with the numbers of that moment.

    Args:
        address: Host and port; port 0 takes a free one.
        health: Gives the live numbers.

    Attributes:
        address: Host and port that it listens on.

    Raises:
        SinkError: The address cannot be listened on.
    """

    def __init__(
        self, address: tuple[str, int], health: Callable[[], Health | GroupHealth]
    ) -> None:
        class Handler(BaseHTTPRequestHandler):
            timeout = 5

            def do_GET(self) -> None:
                known = self.path.partition("?")[0] == "/metrics"
                body = prometheus_text(health()).encode() if known else b"see /metrics\n"
                self.send_response(200 if known else 404)
                self.send_header("Content-Type", _CONTENT_TYPE)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # whoever asked went away

        host, port = address
        try:
            self._server = Server(address, Handler)
        except OSError as error:
            raise SinkError(
                f"the metrics cannot be offered: {error.strerror or error}",
                where=f"{host}:{port}",
                remedy="Choose another port.",
            ) from error
        self.address = host, self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="edgefeat metrics", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> MetricsServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _lines(cameras: Sequence[Health]) -> Iterator[str]:
    """Yield the lines: each number has its words once, and a value of each camera."""
    for field, (name, words) in _COUNTERS.items():
        yield from _family(name, "counter", words, _each(cameras, field, "d"))
    for field, (name, words) in _GAUGES.items():
        yield from _family(name, "gauge", words, _each(cameras, field, "g"))
    states = (
        (f'{_own(one)},state="{state}"', str(int(one.state == state)))
        for one in cameras
        for state in _STATES
    )
    yield from _family("state", "gauge", "1 for the state that the stream is in.", states)
    window = f"{cameras[0].latency_window_s:g}"
    for name, quantiles, scale, words in (
        (
            "latency_seconds",
            _QUANTILES,
            1e-3,
            f"Time from capture to vector over the last {window} seconds.",
        ),
        (
            "motion_grey_levels",
            _MOTIONS,
            1,
            "How much pictures change, by which --motion compares.",
        ),
        (
            "novelty_distance",
            _NOVELTIES,
            1,
            "How much features change, by which --novelty compares.",
        ),
    ):
        yield from _family(name, "gauge", words, _quantiles(cameras, quantiles, scale))
    about = (
        (
            f"{_own(one)},"
            + _labels(
                version=one.version,
                model=one.model or "",
                fingerprint=one.fingerprint,
                source=one.source,
                session=one.session,
            ),
            "1",
        )
        for one in cameras
    )
    yield from _family("info", "gauge", "What runs.", about)


def _each(cameras: Sequence[Health], field: str, form: str) -> Iterator[tuple[str, str]]:
    for one in cameras:
        value = getattr(one, field)
        if value is not None:
            yield _own(one), format(value, form)


def _quantiles(
    cameras: Sequence[Health], quantiles: Mapping[str, str], scale: float
) -> Iterator[tuple[str, str]]:
    for one in cameras:
        for quantile, field in quantiles.items():
            value = getattr(one, field)
            if value is not None:
                yield f'{_own(one)},quantile="{quantile}"', f"{value * scale:.6g}"


def _family(name: str, kind: str, words: str, values: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield what a number is, and its value for each set of labels; nothing if none is known."""
    lines = [f"edgefeat_{name}{{{labels}}} {value}" for labels, value in values]
    if lines:
        yield f"# HELP edgefeat_{name} {words}"
        yield f"# TYPE edgefeat_{name} {kind}"
        yield from lines


def _own(health: Health) -> str:
    return _labels(device=health.device, camera=health.camera)


def _labels(**values: str) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in values.items())


def _escaped(value: str) -> str:
    value = value.encode("utf-8", "backslashreplace").decode()
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
