"""NumPy, OpenCV or ONNX Runtime missing, broken or too old: one line that says what mends it.

Each case runs in a folder of packages of its own: links to the real ones, without one of them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

import edgefeat
from edgefeat.installed import dependencies, requirements
from edgefeat.installed.dependencies import DEPENDENCIES
from edgefeat.model.shipped import default_model_path

Site = Callable[..., Path]
NEEDS = requirements.from_installation()
PACKAGE = {one.module: next(iter(dependencies.installed(one))) for one in DEPENDENCIES}
NAME = {one.module: one.name for one in DEPENDENCIES}


def pip_install(module: str, *, again: bool = False) -> str:
    usual = next(one.distributions[0] for one in DEPENDENCIES if one.module == module)
    force = "--force-reinstall " if again else ""
    return f"Run `pip install {force}'{PACKAGE[module]}{NEEDS[usual]}'`."


def folders_of(package: str) -> set[str]:
    files = metadata.files(package) or []
    return {file.parts[0] for file in files} - {"..", "__pycache__"}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Make a folder with edgefeat and links to all that it needs, but for one module's package."""

    def make(without: str | None = None, *, needs: dict[str, str] | None = None) -> Path:
        folder = tmp_path / "site"
        folder.mkdir()
        left_out = folders_of(PACKAGE[without]) if without else set()
        there = Path(str(metadata.distribution("numpy").locate_file("")))
        for path in there.iterdir():
            if path.name in left_out or "edgefeat" in path.name:
                continue
            if path.name == "cv2":  # it follows links to look for its library
                shutil.copytree(path, folder / "cv2", copy_function=link_or_copy)
            else:
                (folder / path.name).symlink_to(path)
        (folder / "edgefeat").symlink_to(Path(edgefeat.__file__).parent)
        (folder / "models").symlink_to(default_model_path().parent)
        info = folder / f"edgefeat-{edgefeat.__version__}.dist-info"
        info.mkdir()
        text = f"Metadata-Version: 2.4\nName: edgefeat\nVersion: {edgefeat.__version__}\n"
        for name, bounds in {**NEEDS, **(needs or {})}.items():
            text += f"Requires-Dist: {name}{bounds}\n"
        (info / "METADATA").write_text(f"{text}\nRequires-Dist: no requirement, but a README\n")
        return folder

    return make


def link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def run(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-S", "-P", *words],
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def half_removed(site: Path) -> None:
    """Leave the folder and what pip knows of it, as when another build took the files along."""
    for name in folders_of(PACKAGE["cv2"]):
        if name.endswith(".dist-info"):
            (site / name).symlink_to(str(metadata.distribution("numpy").locate_file(name)))
    (site / "cv2").mkdir()


def damaged_library(site: Path) -> None:
    """Put junk in the place of ONNX Runtime's own library."""
    for name in folders_of(PACKAGE["onnxruntime"]):
        real = Path(str(metadata.distribution("numpy").locate_file(name)))
        if name != "onnxruntime":
            (site / name).symlink_to(real)
    real = Path(str(metadata.distribution("numpy").locate_file("onnxruntime")))
    capi = site / "onnxruntime" / "capi"
    capi.mkdir(parents=True)
    for path in real.iterdir():
        if path.name != "capi":
            (site / "onnxruntime" / path.name).symlink_to(path)
    for path in (real / "capi").iterdir():
        if path.suffix == ".so" and "pybind11" in path.name:
            (capi / path.name).write_bytes(b"junk")
        else:
            (capi / path.name).symlink_to(path)


def case(kind: str, site: Site) -> tuple[Path, str]:
    """Return the folder of a case and what edgefeat must say in it."""
    if kind == "half removed":
        folder = site("cv2")
        half_removed(folder)
        package = f"{PACKAGE['cv2']} {metadata.version(PACKAGE['cv2'])}"
        said = f"OpenCV is there in part only: files of {package} are missing. "
        return folder, said + pip_install("cv2", again=True)
    if kind == "damaged":
        folder = site("onnxruntime")
        damaged_library(folder)
        said = r"ONNX Runtime is installed but cannot be loaded: .*\.so: .*\. "
        return folder, said + re.escape(pip_install("onnxruntime", again=True))
    if kind == "too old":
        folder = site(needs={"onnxruntime": ">=99.5,<100"})
        version = metadata.version(PACKAGE["onnxruntime"])
        remedy = f"Run `pip install '{PACKAGE['onnxruntime']}>=99.5,<100'`."
        said = f"ONNX Runtime {version} is too old: edgefeat needs 99.5 or newer. {remedy}"
        return folder, said
    said = f"{NAME[kind]} is not installed (there is no module {kind!r}). "
    usual = next(one.distributions[0] for one in DEPENDENCIES if one.module == kind)
    return site(kind), said + f"Run `pip install '{usual}{NEEDS[usual]}'`."


KINDS = ["numpy", "cv2", "onnxruntime", "half removed", "damaged", "too old"]


@pytest.mark.parametrize("kind", KINDS)
def test_commands_and_python_say_it_in_one_line(kind: str, site: Site, photos: Path) -> None:
    folder, said = case(kind, site)
    pattern = said if kind == "damaged" else re.escape(said)
    photo = str(photos / "coffee.jpg")
    done = run(folder, "-m", "edgefeat", "extract", photo)
    assert done.returncode == 3
    assert done.stdout == ""
    assert re.fullmatch(f"edgefeat: error: {pattern}\n", done.stderr)
    done = run(folder, "-c", f"import edgefeat; edgefeat.extract({photo!r})")
    last = done.stderr.splitlines()[-1]
    assert re.fullmatch(rf"edgefeat\.errors\.DependencyError: {pattern}", last)


@pytest.mark.parametrize("kind", KINDS)
def test_doctor_runs_all_the_same(kind: str, site: Site) -> None:
    folder, said = case(kind, site)
    done = run(folder, "-m", "edgefeat", "doctor", "--json")
    assert done.returncode == 3, done.stderr
    report = json.loads(done.stdout)
    (problem,) = report["problems"]
    assert re.fullmatch(said if kind == "damaged" else re.escape(said), problem)
    assert report["providers"] == []
    assert report["model"].endswith(".onnx")
    version = {"numpy": "numpy", "cv2": "opencv", "half removed": "opencv"}.get(kind, "onnxruntime")
    assert (report["versions"][version] is None) is (kind != "too old")
    text = run(folder, "-m", "edgefeat", "doctor").stdout
    assert text.splitlines()[-1] == f"PROBLEM: {problem}"


@pytest.mark.parametrize("command", [["stream", "0"], ["bench", "--processes", "1"]], ids=str)
def test_other_commands_say_it_too(command: list[str], site: Site) -> None:
    folder, said = case("onnxruntime", site)
    done = run(folder, "-m", "edgefeat", *command)
    assert (done.returncode, done.stderr) == (3, f"edgefeat: error: {said}\n")


def test_info_needs_none_of_them(site: Site) -> None:
    folder, _ = case("numpy", site)
    done = run(folder, "-m", "edgefeat", "info")
    assert done.returncode == 0, done.stderr
    assert "efficientnet_lite0" in done.stdout


def test_a_whole_installation_works(site: Site, photos: Path) -> None:
    done = run(site(), "-m", "edgefeat", "extract", "-q", str(photos / "coffee.jpg"))
    assert done.returncode == 0, done.stderr


def test_an_error_of_another_kind_is_not_blamed_on_them() -> None:
    assert dependencies.explain(AttributeError("no such attribute")) is None
    assert dependencies.explain(ModuleNotFoundError(name="pandas")) is None


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("1.26", (1, 26)), ("2.0.0rc1", (2, 0, 0)), ("1.20.1+cu12", (1, 20, 1)), ("5.x", (5,))],
)
def test_versions_are_compared_by_their_numbers(version: str, numbers: tuple[int, ...]) -> None:
    assert requirements.release(version) == numbers


def test_a_version_beyond_the_ceiling_is_told_by_doctor() -> None:
    numpy = DEPENDENCIES[0]
    too_new = dependencies.unmet(numpy, "3.0.1")
    assert str(too_new) == (
        f"NumPy 3.0.1 is too new: edgefeat works with versions below 3. {pip_install('numpy')}"
    )
    assert dependencies.unmet(numpy, "2.99") is None


def test_requirements_are_those_of_pyproject() -> None:
    assert set(NEEDS) == {"numpy", "onnxruntime", "opencv-python-headless"}
    for bounds in NEEDS.values():
        floor, ceiling = requirements.floor_and_ceiling(bounds)
        assert floor is not None
        assert ceiling is not None
        assert requirements.release(floor) < requirements.release(ceiling)
