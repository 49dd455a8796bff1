"""Small HTTP and HTTPS servers inside a test, whose answers the test writes itself."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2

from edgefeat.testing.faults import numbered_frame

TLS = Path(__file__).parents[1] / "data" / "tls"
Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def served(answer: Answer, *, certificate: str | None = None) -> Iterator[str]:
    """Yield the URL of a server that answers each GET so.

    Args:
        answer: Called with each request.
        certificate: The file in `tests/data/tls` with key and certificate; None: plain HTTP.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(OSError):  # the other side went away, as it should
                answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # a refused certificate, or a reader that went away

    server = Server(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(TLS / certificate)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        scheme = "http" if certificate is None else "https"
        yield f"{scheme}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def raw_served(answer: Callable[[socket.socket, bytes], None]) -> Iterator[str]:
    """Yield the URL of a server that writes each answer itself, status line and all.

    Args:
        answer: Called with the connection and the request's header.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                request = b""
                while b"\r\n\r\n" not in request:
                    request += connection.recv(4096) or b"\r\n\r\n"
                answer(connection, request)

        def accept() -> None:
            with suppress(OSError):  # closed: the test is over
                while True:
                    connection, _ = listening.accept()
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def jpeg(number: int, size_hw: tuple[int, int] = (64, 192)) -> bytes:
    """Return a picture that shows a number."""
    return cv2.imencode(".jpg", numbered_frame(number, size_hw))[1].tobytes()


def with_thumbnail(number: int) -> bytes:
    """Return a JPEG whose header holds a whole JPEG."""
    picture, small = jpeg(number), jpeg(99, (64, 192))
    segment = b"\xff\xe1" + (len(small) + 8).to_bytes(2, "big") + b"Exif\0\0" + small
    return picture[:2] + segment + picture[2:]


def send_mjpeg(request: BaseHTTPRequestHandler, frames: int = 6) -> None:
    """Answer with so many pictures, then end."""
    request.send_response(200)
    request.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
    request.end_headers()
    for number in range(frames):
        picture = jpeg(number)
        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
        request.wfile.write(head.encode() + picture + b"\r\n")


def send(request: BaseHTTPRequestHandler, status: int, *headers: tuple[str, str]) -> None:
    """Answer with a status and headers alone."""
    request.send_response(status)
    for name, value in headers:
        request.send_header(name, value)
    request.send_header("Content-Length", "0")
    request.end_headers()
