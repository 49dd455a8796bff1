"""Every client of the kit gives the bits that edgefeat gives, for its own probe and for a frame.

`make test-clients` runs this: it brings the npm packages and ONNX Runtime's C headers, and needs
Node.js, Chromium and g++. Go, Java and Rust are tried where their compilers are.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from edgefeat import FeatureExtractor
from edgefeat.model.frame import PixelLayout
from edgefeat.model.probe import probe_image
from edgefeat_export import bundle

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / "clients"
INT8 = ROOT / "models" / "efficientnet_lite0_224_int8.onnx"
TOOLS = Path(os.environ["EDGEFEAT_CLIENT_TOOLS"])
"""Holds `node_modules` and `include`, ONNX Runtime's headers; `make test-clients` makes it."""
CHROMIUM = os.environ.get("CHROMIUM", "chromium")
LAYOUTS = list(PixelLayout)


class Case:
    """A bundle, a frame beside it, and the hashes that every client must give."""

    def __init__(self, folder: Path, layout: PixelLayout) -> None:
        (made,) = bundle(INT8, [(240, 320)], folder / f"{layout}.onnx", pixels=layout)
        self.path, self.frame = made.path, folder / f"{layout}.raw"
        assert made.spec.frame is not None
        assert made.spec.probe is not None
        raw = np.random.default_rng(5).integers(0, 256, made.spec.frame.shape, np.uint8)
        self.frame.write_bytes(raw.tobytes())
        with FeatureExtractor(made.path) as extractor:
            features = extractor.extract_prepared(raw[np.newaxis])
        self.of_frame = hashlib.sha256(features.astype("<f4").tobytes()).hexdigest()
        self.of_probe = str(made.spec.probe.features_sha256)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clients")


@pytest.fixture(scope="module", params=LAYOUTS, ids=str)
def case(request: pytest.FixtureRequest, folder: Path) -> Case:
    return Case(folder, request.param)


def run(words: Sequence[str | Path], **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=300, cwd=TOOLS,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def library(folder: Path) -> Path:
    """A folder with the library of the installed Python package, under the linker's name."""
    (found,) = (Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so.1.*")
    lib = folder / "lib"
    lib.mkdir()
    for name in ("libonnxruntime.so", "libonnxruntime.so.1"):
        (lib / name).symlink_to(found)
    return lib


def test_node(case: Case) -> None:
    said = run(["node", CLIENTS / "node" / "client.mjs", case.path, case.frame])
    assert said == f"self-test passed {case.of_probe}\nfeatures {case.of_frame}\n"


def test_node_notices_a_wrong_hash(case: Case, tmp_path: Path) -> None:
    changed = case.path.read_bytes().replace(case.of_probe.encode(), b"0" * 64)
    (tmp_path / "wrong.onnx").write_bytes(changed)
    done = subprocess.run(
        ["node", CLIENTS / "node" / "client.mjs", tmp_path / "wrong.onnx"],
        capture_output=True, text=True, timeout=300, cwd=TOOLS,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, f"self-test FAILED {case.of_probe}\n")


@pytest.fixture(scope="module")
def cpp(folder: Path, library: Path) -> Path:
    program = folder / "client"
    source, include = CLIENTS / "cpp" / "client.cpp", TOOLS / "include"
    run(["g++", "-std=c++17", "-O2", "-Wall", source, f"-I{include}", f"-L{library}",
         "-lonnxruntime", "-o", program])  # fmt: skip
    return program


def test_cpp(case: Case, cpp: Path, library: Path) -> None:
    for words, wanted in (([], case.of_probe), ([case.frame], case.of_frame)):
        done = subprocess.run(
            [cpp, case.path, *words], capture_output=True, timeout=300, check=True,
            env={**os.environ, "LD_LIBRARY_PATH": str(library)},
        )  # fmt: skip
        assert hashlib.sha256(done.stdout).hexdigest() == wanted
        assert case.of_probe in done.stderr.decode()


def test_go(case: Case, library: Path, folder: Path) -> None:
    if shutil.which("go") is None:
        pytest.skip("no Go here; Debian's package is golang-go")
    settings = {
        "CGO_CFLAGS": f"-I{TOOLS / 'include'}",
        "CGO_LDFLAGS": f"-L{library} -lonnxruntime",
        "LD_LIBRARY_PATH": str(library),
        "GOFLAGS": "-mod=mod",
    }
    source = CLIENTS / "go" / "client.go"
    for words, wanted in (([], case.of_probe), ([case.frame], case.of_frame)):
        said = run(["go", "run", source, case.path, *words], **settings)
        assert said == f"{wanted} of the features; the probe's: {case.of_probe}\n"


def test_the_probe_picture_in_java_and_rust(tmp_path: Path) -> None:
    """Their ONNX Runtime comes from registries that are not asked here: the rest is not run."""
    wanted = hashlib.sha256(probe_image(7, (33, 57), 4).tobytes()).hexdigest()
    tried = 0
    if shutil.which("java"):
        text = (CLIENTS / "java" / "Client.java").read_text()
        part = text[text.index("    static int state") : text.index("    public static void main")]
        main = (
            "public static void main(String[] words) throws Exception {"
            " System.out.write(probeImage(7, 33, 57, 4)); System.out.flush(); }"
        )
        (tmp_path / "P.java").write_text(f"class P {{ {part} {main} }}")
        tried += _gives(["java", tmp_path / "P.java"], wanted)
    if shutil.which("rustc"):
        text = (CLIENTS / "rust" / "main.rs").read_text()
        part = text[text.index("/// The picture") : text.index("fn main()")]
        main = (
            "fn main() { use std::io::Write;"
            " std::io::stdout().write_all(&probe_image(7, 33, 57, 4)).unwrap(); }"
        )
        (tmp_path / "p.rs").write_text(f"{part}\n{main}")
        run(["rustc", "-o", tmp_path / "p", tmp_path / "p.rs"])
        tried += _gives([tmp_path / "p"], wanted)
    if not tried:
        pytest.skip("neither java nor rustc here")


def _gives(words: Sequence[str | Path], wanted: str) -> bool:
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, timeout=300, check=True
    )
    assert hashlib.sha256(done.stdout).hexdigest() == wanted
    return True


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[str]:
    (folder / "node_modules").symlink_to(TOOLS / "node_modules")
    shutil.copy(CLIENTS / "browser" / "client.html", folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_browser(case: Case, site: str, tmp_path: Path) -> None:
    address = f"{site}/client.html?model={case.path.name}&frame={case.frame.name}"
    page = run([
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={tmp_path}", "--virtual-time-budget=120000", "--dump-dom", address,
    ])  # fmt: skip
    said = page.partition('id="said">')[2].partition("</pre>")[0]
    assert said == f"self-test passed {case.of_probe}\nfeatures {case.of_frame}\n"


def test_demo_page_from_disk(folder: Path, tmp_path: Path) -> None:
    photos = sorted((ROOT / "tests/data/photos").glob("*.jpg"))
    (made,) = bundle(INT8, [(480, 640)], folder / "page.onnx", pixels="rgba")
    page = tmp_path / "page.html"
    ort = TOOLS / "node_modules/onnxruntime-web/dist"
    run([sys.executable, CLIENTS / "demo" / "make_page.py", made.path, *photos, "-o", page,
         "--ort", ort])  # fmt: skip
    driver = Path(__file__).parent / "drive_page.mjs"
    path = shutil.which(CHROMIUM) or CHROMIUM
    said = json.loads(run(["node", driver, page, photos[0], tmp_path], CHROMIUM=path))
    assert made.spec.probe is not None
    assert said["test"] == f"Self-test passed: {str(made.spec.probe.features_sha256)[:12]}…"
    assert said["nearest"][0].endswith(photos[0].stem)
    assert said["camera"].startswith("1280 features in")
    assert said["overflows"] == {"1280": False, "390": False}
    assert (said["asked"], said["errors"]) == ([], [])


def test_clients_are_short() -> None:
    files = [
        path
        for path in CLIENTS.rglob("*")
        if path.is_file() and path.parent.name not in ("demo", "__pycache__", "clients")
    ]
    assert len(files) == 8
    assert all(len(path.read_text().splitlines()) <= 60 for path in files)
