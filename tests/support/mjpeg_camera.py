"""A network camera of its own process: MJPEG over HTTP, with the faults that cameras have.

    python mjpeg_camera.py PORT        prints the port once it listens

The path says what it does: /live as it should be; /nolength, /wronglength, /dashes for odd parts;
/truncated cuts every third frame, /noise fills every third with random bytes, /ends breaks off
after ten frames, /trickle sends a byte now and then, /resize changes size after ten frames;
/basic and /digest ask for user `me`, password `p@ss/word`; /moved redirects; /picture is no stream.
"""

from __future__ import annotations

import base64
import hashlib
import random
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2

from edgefeat.testing.faults import numbered_frame

USER, PASSWORD, REALM, NONCE = "me", "p@ss/word", "camera", "abc123"
INTERVAL_S = 0.02
BOUNDARY = "frame"


class Camera(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/digest")
            self.end_headers()
        elif path == "/picture":
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.end_headers()
        elif path == "/missing":
            self.send_error(404)
        elif not self.allowed(path):
            self.send_response(401)
            digest = f'Digest realm="{REALM}", nonce="{NONCE}", qop="auth", algorithm=MD5'
            self.send_header("WWW-Authenticate", digest if path == "/digest" else "Basic")
            self.end_headers()
        else:
            self.stream(path)

    def allowed(self, path: str) -> bool:
        said = self.headers.get("Authorization", "")
        if path == "/basic":
            return said == "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if path == "/digest":
            return said.startswith("Digest ") and self.digest_is_right(said)
        return True

    def digest_is_right(self, said: str) -> bool:
        pairs = (part.strip().partition("=") for part in said.removeprefix("Digest ").split(","))
        got = {name: value.strip('"') for name, _, value in pairs}
        secret = md5(f"{USER}:{REALM}:{PASSWORD}")
        request = md5(f"GET:{self.path}")
        chain = f"{secret}:{NONCE}:{got['nc']}:{got['cnonce']}:{got['qop']}:{request}"
        return got["response"] == md5(chain) and got["username"] == USER

    def stream(self, path: str) -> None:
        self.send_response(200)
        dashes = "--" if path == "/dashes" else ""
        kind = f"multipart/x-mixed-replace; boundary={dashes}{BOUNDARY}"
        self.send_header("Content-Type", kind)
        self.end_headers()
        for number in range(100_000):
            if path == "/ends" and number == 10:
                return
            size_hw = (96, 256) if path == "/resize" and number >= 10 else (64, 192)
            jpeg = cv2.imencode(".jpg", numbered_frame(number, size_hw))[1].tobytes()
            self.part(path, number, jpeg)
            time.sleep(INTERVAL_S)

    def part(self, path: str, number: int, jpeg: bytes) -> None:
        length = len(jpeg)
        if number % 3 == 2:
            if path == "/truncated":
                jpeg = jpeg[: length // 2]
            elif path == "/noise":
                jpeg = random.Random(number).randbytes(length)
            elif path == "/wronglength":
                length += 500
        header = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nX-Timestamp: {number / 50}\r\n"
        if path != "/nolength":
            header += f"Content-Length: {length}\r\n"
        self.wfile.write(header.encode() + b"\r\n")
        if path == "/trickle" and number >= 5:
            for byte in jpeg:
                self.wfile.write(bytes([byte]))
                time.sleep(0.1)
        self.wfile.write(jpeg + b"\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # the other side went away, as it should


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - what RFC 7616 cameras use


if __name__ == "__main__":
    server = Server(("127.0.0.1", int(sys.argv[1])), Camera)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()
