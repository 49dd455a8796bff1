"""Applications that hold edgefeat: frozen by the real PyInstaller, and packed as a zipapp.

They are built by the lines of `docs/howto/applications.md`.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

import edgefeat
from edgefeat.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "howto" / "applications.md").read_text()
COMMAND = "import sys\n\nfrom edgefeat.cli.main import main\n\nsys.exit(main())\n"
# All that an application with edgefeat needs. The environment of this test holds far more, and
# PyInstaller would look at it all for minutes: the page asks for a fresh environment.
NEEDED = {"edgefeat", "flatbuffers", "numpy", "packaging", "protobuf"}
NEEDED_BEGIN = ("onnxruntime", "opencv")
NO_MODEL = "the shipped model efficientnet_lite0_224_int8.onnx is missing from this "


def block(language: str, number: int = 0) -> str:
    """Return one of the page's blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)[number]


def run(
    *command: object, cwd: Path | None = None, **environment: object
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={**os.environ, **{name: str(value) for name, value in environment.items()}},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def must(*command: object, **options: object) -> str:
    """Run a command that must succeed; return what it printed."""
    done = run(*command, **options)  # type: ignore[arg-type]
    assert done.returncode == 0, done.stderr
    return done.stdout


def expected(photo: Path) -> str:
    """Return what the page's application prints."""
    features = edgefeat.extract(photo)
    return f"{photo} {features.shape} {features[:4].tolist()}\n"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    must(*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, ROOT)
    (wheel,) = folder.glob("edgefeat-*.whl")
    return wheel


@pytest.fixture(scope="module")
def workplace(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the page's application, and edgefeat installed in `site`."""
    folder = tmp_path_factory.mktemp("workplace")
    (folder / "app.py").write_text(block("py"))
    (folder / "command.py").write_text(COMMAND)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    must(*pip, "install", "--no-deps", "--target", folder / "site", wheel)
    return folder


def freeze(workplace: Path, *options: str) -> None:
    """Let PyInstaller make a program, without a word about edgefeat on its command line."""
    unneeded = [
        f"--exclude-module={module}"
        for module, packages in metadata.packages_distributions().items()
        if not any(p.lower() in NEEDED or p.lower().startswith(NEEDED_BEGIN) for p in packages)
    ]
    must(
        *(sys.executable, "-m", "PyInstaller", "--log-level", "WARN"),
        *(*unneeded, *options),
        cwd=workplace,  # not the checkout, whose edgefeat holds no data
        PYTHONPATH=workplace / "site",
    )


@pytest.fixture(scope="module")
def command(workplace: Path) -> Path:
    """Return the command line of edgefeat as a program in a folder."""
    freeze(workplace, "command.py")
    return workplace / "dist" / "command" / "command"


def test_a_program_in_a_folder_finds_the_shipped_model(command: Path, photos: Path) -> None:
    assert f"{command.parent}/_internal/edgefeat/_models/" in must(command, "info")
    line = json.loads(must(command, "extract", photos / "coffee.jpg"))
    features = np.array(line["features"], np.float32)
    np.testing.assert_array_equal(features, edgefeat.extract(photos / "coffee.jpg"))


def test_it_has_every_command(command: Path) -> None:
    for name in COMMANDS:
        assert must(command, name, "--help").startswith(f"usage: edgefeat {name} ")


@pytest.mark.parametrize(
    ("given", "option"), [([], "--cold-starts 0"), (["--cold-starts", "0"], "--processes 1")]
)
def test_it_does_not_start_itself_to_measure_fresh_processes(
    command: Path, given: list[str], option: str
) -> None:
    done = run(command, "bench", *given)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == (
        "edgefeat bench: error: a frozen application has no Python that could be started afresh. "
        f"Pass {option}."
    )


def test_it_measures_in_its_own_process(command: Path) -> None:
    short = ("--duration", "0.1", "--min-calls", "1")
    assert "p50" in must(command, "bench", "--cold-starts", "0", "--processes", "1", *short)


def test_a_program_without_the_model_says_how_to_build_it(command: Path, tmp_path: Path) -> None:
    other = shutil.copytree(command.parent, tmp_path / "app", symlinks=True, copy_function=os.link)
    shutil.rmtree(other / "_internal" / "edgefeat" / "_models")
    done = run(other / "command", "info")
    assert done.returncode == 3
    remedy = (
        "Build the application again with the data files of the package edgefeat (in "
        "PyInstaller: `--collect-data edgefeat`), or name a model file"
    )
    assert done.stderr == f"edgefeat: error: {NO_MODEL}application. {remedy} (MODEL|SET).\n"
    message = f"edgefeat.errors.ModelError: {NO_MODEL}application. {remedy} (model)."
    assert block("text").split() == message.split()


@pytest.fixture(scope="module")
def one_file(workplace: Path) -> Path:
    """Return the page's application as a program of one file."""
    (line,) = (one for one in block("sh").splitlines() if "--onefile" in one)
    freeze(workplace, *shlex.split(line)[1:])
    return workplace / "dist" / "app"


def test_a_program_of_one_file_finds_the_shipped_model(one_file: Path, photos: Path) -> None:
    assert must(one_file, photos / "coffee.jpg") == expected(photos / "coffee.jpg")


def test_a_program_of_one_file_optimises_its_model_once(
    one_file: Path, photos: Path, tmp_path: Path
) -> None:
    """Although it unpacks the model into another folder, as a new file, at every start."""
    (temporary := tmp_path / "temporary").mkdir()
    beside = shutil.copy(one_file, temporary / "app")  # the folder that it unpacks into
    kept = []
    for _ in range(2):
        must(beside, photos / "coffee.jpg", EDGEFEAT_CACHE=tmp_path / "cache", TMPDIR=temporary)
        kept.append(
            [(path.name, path.stat().st_mtime_ns) for path in (tmp_path / "cache").iterdir()]
        )
    assert len(kept[0]) == 1
    assert kept[1] == kept[0]


@pytest.fixture
def packed(workplace: Path, wheel: Path, tmp_path: Path) -> Path:
    """Return the folder of the page's zipapp, as its lines make it."""
    pip, copy, _ = block("sh", 1).splitlines()
    assert shlex.split(pip)[-1] == "edgefeat"
    must(sys.executable, "-m", *shlex.split(pip)[:-1], wheel, cwd=tmp_path)
    shutil.copy(workplace / "app.py", tmp_path)
    must(*shlex.split(copy), cwd=tmp_path)
    return tmp_path / "app"


def zipped(packed: Path) -> Path:
    _, _, pack = block("sh", 1).splitlines()
    must(sys.executable, *shlex.split(pack)[1:], cwd=packed.parent)
    return packed.with_suffix(".pyz")


def test_a_zipapp_finds_the_shipped_model_inside_itself(packed: Path, photos: Path) -> None:
    archive = zipped(packed)
    for _ in range(2):  # the second start takes the model from the cache
        assert must(sys.executable, archive, photos / "coffee.jpg") == expected(
            photos / "coffee.jpg"
        )


def test_a_zipapp_without_the_model_says_what_to_put_into_it(packed: Path, photos: Path) -> None:
    shutil.rmtree(packed / "edgefeat" / "_models")
    done = run(sys.executable, zipped(packed), photos / "coffee.jpg")
    assert done.stderr.splitlines()[-1] == (
        f"edgefeat.errors.ModelError: {NO_MODEL}archive. Put the folder _models of an installed "
        "edgefeat into the archive, beside its modules, or name a model file (model)."
    )


def test_a_command_in_a_zipapp_works_as_everywhere(packed: Path, photos: Path) -> None:
    (packed / "__main__.py").write_text(COMMAND)
    archive = zipped(packed)
    assert f"{archive}/edgefeat/_models/" in must(sys.executable, archive, "info")
    done = run(sys.executable, archive, "bench")
    assert done.returncode == 3
    assert done.stderr == (
        "edgefeat: error: the sample photos are inside an archive, where they have no paths. Name "
        "pictures of your own.\n"
    )
