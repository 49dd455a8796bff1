"""What a start loads: `import edgefeat`, the first feature, and the command's help.

Every module costs each start something, most where a device is slow. A module that joins one of
the lists is a decision: use `edgefeat.record.Record` in it instead of dataclasses, and import
nothing of `NOT_FOR_THE_FIRST_FEATURE`.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import is_dataclass
from pathlib import Path

import pytest

import edgefeat
from edgefeat.cli.main import COMMANDS
from edgefeat.record import Record

FIRST_FEATURE = {
    "edgefeat",
    "edgefeat.engine",
    "edgefeat.engine.cache",
    "edgefeat.engine.cpu",
    "edgefeat.engine.lazy",
    "edgefeat.engine.providers",
    "edgefeat.engine.saturation",
    "edgefeat.engine.session",
    "edgefeat.errors",
    "edgefeat.extractor",
    "edgefeat.host",
    "edgefeat.host.cpuinfo",
    "edgefeat.installed",
    "edgefeat.installed.requirements",
    "edgefeat.loading",
    "edgefeat.locks",
    "edgefeat.model",
    "edgefeat.model.codec",
    "edgefeat.model.columns",
    "edgefeat.model.evidence",
    "edgefeat.model.file",
    "edgefeat.model.frame",
    "edgefeat.model.outputs",
    "edgefeat.model.parsing",
    "edgefeat.model.picture",
    "edgefeat.model.protobuf",
    "edgefeat.model.shipped",
    "edgefeat.model.spec",
    "edgefeat.opened",
    "edgefeat.options",
    "edgefeat.options.checks",
    "edgefeat.options.extractor",
    "edgefeat.options.option",
    "edgefeat.outputs",
    "edgefeat.pictures",
    "edgefeat.pictures.decode",
    "edgefeat.pictures.decoders",
    "edgefeat.pictures.decoders.jpeg",
    "edgefeat.pictures.decoders.outcome",
    "edgefeat.pictures.encoded",
    "edgefeat.pictures.files",
    "edgefeat.pictures.formats",
    "edgefeat.pictures.geometry",
    "edgefeat.pictures.headers",
    "edgefeat.pictures.headers.base",
    "edgefeat.pictures.headers.jpeg",
    "edgefeat.pictures.kind",
    "edgefeat.pictures.native_words",
    "edgefeat.pictures.opencv",
    "edgefeat.pictures.pixels",
    "edgefeat.pictures.preprocess",
    "edgefeat.pictures.resize",
    "edgefeat.pictures.resize.area",
    "edgefeat.pictures.resize.areagraph",
    "edgefeat.pictures.resize.onnxgraph",
    "edgefeat.pictures.threads",
    "edgefeat.picturewise",
    "edgefeat.record",
    "edgefeat.shared",
}
"""Our modules once the first feature is there, with the model taken from the cache."""

NOT_FOR_THE_FIRST_FEATURE = {
    "concurrent.futures": "import it where several threads are asked for",
    "glob": "use os.listdir",
    "hashlib": "import it where a file is checked in full; zlib.crc32 guards against accidents",
    "importlib.metadata": "see edgefeat.installed.requirements",
    "logging": "raise, or warn with edgefeat.messages.warn",
    "numpy.typing": "import it under TYPE_CHECKING; edgefeat.arrays has names for arrays",
    "pathlib": "use os.path",
    "shutil": "use os",
    "subprocess": "import it where a program is run",
    "tempfile": "see edgefeat.atomic and edgefeat.engine.cache",
    "threading": "use edgefeat.locks",
    "urllib": "import it where a URL is read",
}
HELP = {
    "edgefeat",
    "edgefeat.cli",
    "edgefeat.cli.main",
    "edgefeat.cli.parser",
    "edgefeat.cli.running",
    "edgefeat.errors",
    "edgefeat.messages",
    "edgefeat.messages.say",
}
"""Our modules once `edgefeat --help` has printed its text."""

NOT_FOR_HELP = {
    "cv2",
    "dataclasses",
    "inspect",
    "json",
    "numpy",
    "onnxruntime",
    "pathlib",
    "typing",
}


def loaded_by(code: str, *arguments: object) -> set[str]:
    """Return the modules that code loads in a fresh process, those of its own start left out."""
    whole = (
        "import sys\nbefore = set(sys.modules)\n"
        f"{code}\nprint(*sorted(set(sys.modules) - before), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", whole, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(done.stderr.splitlines()[-1].split())


def loaded_by_command(*words: str) -> set[str]:
    """Return the modules that a command line loads, if it ends as `--help` does."""
    code = "from edgefeat.cli.main import main\ntry: main(sys.argv[1:])\nexcept SystemExit: pass"
    return loaded_by(code, *words)


def ours(modules: set[str]) -> set[str]:
    return {name for name in modules if name.partition(".")[0] == "edgefeat"}


@pytest.fixture(scope="module")
def first_feature(photos: Path) -> set[str]:
    """Return what is loaded once the first feature is there."""
    edgefeat.extract(photos / "coffee.jpg")  # so that the model is in the cache
    return loaded_by("import edgefeat; edgefeat.extract(sys.argv[1])", photos / "coffee.jpg")


def test_the_import_loads_one_file_and_nothing_of_pythons() -> None:
    assert loaded_by("import edgefeat") == {"edgefeat"}


def test_the_first_feature_loads_these_modules_of_ours(first_feature: set[str]) -> None:
    assert ours(first_feature) == FIRST_FEATURE


@pytest.mark.parametrize("name", NOT_FOR_THE_FIRST_FEATURE)
def test_what_would_slow_every_first_feature_is_not_loaded(
    name: str, first_feature: set[str]
) -> None:
    underneath = loaded_by("import argparse, cv2, numpy, onnxruntime")  # newer ones load more
    assert name not in first_feature - underneath, NOT_FOR_THE_FIRST_FEATURE[name]


@pytest.mark.parametrize("name", sorted(FIRST_FEATURE))
def test_records_of_the_first_feature_are_cheap_to_define(name: str) -> None:
    costly = [
        value.__name__
        for value in vars(importlib.import_module(name)).values()
        if isinstance(value, type)
        and value.__module__ == name
        and is_dataclass(value)
        and not issubclass(value, Record)
    ]
    assert costly == [], "make them edgefeat.record.Record"


def test_the_help_loads_no_command() -> None:
    loaded = loaded_by_command("--help")
    assert ours(loaded) == HELP
    by_argparse = loaded_by("import argparse; argparse.ArgumentParser().format_help()")
    assert loaded & NOT_FOR_HELP <= by_argparse


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_loads_none_of_the_others_and_nothing_heavy(command: str) -> None:
    loaded = loaded_by_command(command, "--help")
    assert {name for name in COMMANDS if f"edgefeat.cli.{name}" in loaded} == {command}
    assert loaded & {"cv2", "numpy", "onnxruntime"} == set()


@pytest.mark.parametrize("module", ["edgefeat.model.spec", "edgefeat.model.file"])
def test_what_reads_a_models_spec_loads_nothing_heavy(module: str) -> None:
    assert loaded_by(f"import {module}") & {"cv2", "numpy", "onnxruntime"} == set()
