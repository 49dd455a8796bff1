"""The package's surface: its names, and what each part of it may use."""

from __future__ import annotations

import ast
import importlib
import os
import pkgutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import edgefeat

PACKAGE = Path(edgefeat.__file__).parent
MODULES = [
    m.name
    for m in pkgutil.walk_packages([str(PACKAGE)], "edgefeat.")
    if "__main__" not in m.name and "-" not in m.name
]
NEEDS_AN_EXTRA = {"edgefeat.sklearn": "sklearn"}
FORBIDDEN = {"tensorflow", "keras", "onnx", "tf2onnx", "edgefeat_export"}


def test_the_runtime_environment_holds_the_runtime_alone() -> None:
    if os.environ.get("EDGEFEAT_TEST_ENV") == "runtime":
        present = [name for name in sorted(FORBIDDEN) if find_spec(name)]
        assert present == []
        assert "site-packages" in PACKAGE.parts  # the built wheel, not the source tree


def test_the_public_names_are_these() -> None:
    assert edgefeat.__all__ == sorted(edgefeat.__all__)
    assert len(edgefeat.__all__) <= 20
    for name in edgefeat.__all__:
        assert getattr(edgefeat, name) is not None
    with pytest.raises(AttributeError, match="module 'edgefeat' has no attribute 'nonsense'"):
        edgefeat.nonsense  # noqa: B018


def test_loading_leaves_the_garbage_collector_as_it_was() -> None:
    code = (
        "import gc, sys, edgefeat\n"
        "if sys.argv[1] == 'off': gc.disable()\n"
        "edgefeat.FeatureExtractor\n"
        "print(gc.isenabled())"
    )
    for given, expected in (("on", "True"), ("off", "False")):
        done = subprocess.run(
            [sys.executable, "-P", "-c", code, given], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == expected


@pytest.mark.parametrize("name", MODULES)
def test_every_module_lists_its_names_in_order(name: str) -> None:
    if name in NEEDS_AN_EXTRA and not find_spec(NEEDS_AN_EXTRA[name]):
        with pytest.raises(ImportError, match=r"pip install 'edgefeat\[sklearn\]'"):
            importlib.import_module(name)
        return
    module = importlib.import_module(name)
    if name.count(".") == 1 or hasattr(module, "__all__"):
        listed = getattr(module, "__all__", [])
        assert [n for n in listed if not hasattr(module, n)] == []
        assert listed == sorted(listed, key=lambda n: (not n.isupper(), not n[0].isupper(), n))


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_nothing_imports_the_export_stack(path: Path) -> None:
    imported: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.split(".")[0])
    assert imported & FORBIDDEN == set()


def calls_of_cv2(path: Path) -> set[str]:
    """Return the names that a file takes from cv2, such as `imdecode`."""
    return {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "cv2"
    }


def test_only_the_rooms_of_pictures_and_cameras_call_opencvs_decoders() -> None:
    decoders = {"imdecode", "imread", "imreadmulti", "imdecodemulti", "VideoCapture"}
    callers = {path for path in PACKAGE.rglob("*.py") if calls_of_cv2(path) & decoders}
    assert {path.relative_to(PACKAGE).parts[0] for path in callers} == {"pictures", "sources"}


def names_of_the_package(path: Path) -> set[str]:
    """Return what a file imports from `edgefeat` itself that is no room."""
    return {
        alias.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "edgefeat"
        for alias in node.names
        if not find_spec(f"edgefeat.{alias.name}")
    }


def test_only_the_top_floors_use_the_packages_face() -> None:
    """`edgefeat/__init__.py` stands above all rooms whose names it gives."""
    callers = {path for path in PACKAGE.rglob("*.py") if names_of_the_package(path)}
    rooms = {path.relative_to(PACKAGE).parts[0] for path in callers}
    assert rooms <= {"_pyinstaller", "cli", "doctor.py", "teaching"}
