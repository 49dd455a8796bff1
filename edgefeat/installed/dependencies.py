"""NumPy, OpenCV and ONNX Runtime: whether one is missing, broken or too old, and what mends it.

Everything stands on these three. They are imported where they are needed. Nothing here runs before
one fails: the door of the package and that of the command then ask `explain`. `edgefeat doctor`
loads each by itself. Standard library only.
"""

from __future__ import annotations

import sys

from edgefeat.errors import DependencyError
from edgefeat.installed.requirements import (
    floor_and_ceiling,
    from_installation,
    loaded_too_old,
    release,
)
from edgefeat.record import Record

__all__ = [
    "DEPENDENCIES",
    "Dependency",
    "Loaded",
    "explain",
    "installed",
    "load_all",
    "pip_install",
    "pip_replace",
    "too_old",
    "unmet",
]


Loaded = tuple[str | None, DependencyError | None]
"""The version of a package, None if it cannot be loaded; and what is wrong with it."""


class Dependency(Record):
    """One of the three.

    Args:
        name: What people call it.
        module: What Python calls it.
        attribute: What the module has if it is whole.
        distributions: The packages that install it, the one that edgefeat asks for first. They
            overwrite each other's files, so only one may be installed.
    """

    name: str
    module: str
    attribute: str
    distributions: tuple[str, ...]


DEPENDENCIES = (
    Dependency(name="NumPy", module="numpy", attribute="ndarray", distributions=("numpy",)),
    Dependency(
        name="OpenCV",
        module="cv2",
        attribute="imdecode",
        distributions=(
            "opencv-python-headless",
            "opencv-python",
            "opencv-contrib-python",
            "opencv-contrib-python-headless",
        ),
    ),
    Dependency(
        name="ONNX Runtime",
        module="onnxruntime",
        attribute="InferenceSession",
        distributions=(
            "onnxruntime",
            "onnxruntime-gpu",
            "onnxruntime-openvino",
            "onnxruntime-directml",
        ),
    ),
)


def explain(error: BaseException) -> DependencyError | None:
    """Return what is wrong with one of the three, if that is why this error came; else None."""
    if isinstance(error, DependencyError):
        return None
    for one in DEPENDENCIES:
        module = sys.modules.get(one.module)
        if module is not None and hasattr(module, one.attribute):
            continue  # loaded, and whole
        missing = isinstance(error, ModuleNotFoundError) and error.name == one.module
        if missing or module is not None or one.module in _modules_on_the_way(error):
            return _fault(one, error)
    old = loaded_too_old()
    return None if old is None else too_old(*old)


def load_all() -> dict[str, Loaded]:
    """Import all three; return each one's version and what is wrong with it, by module.

    The others cannot be loaded without NumPy, and OpenCV says so on stdout. So without NumPy they
    are only looked for.
    """
    numpy, *others = DEPENDENCIES
    found = {numpy.module: _load(numpy)}
    broken = found[numpy.module][0] is None
    return found | {one.module: _look_for(one) if broken else _load(one) for one in others}


def _look_for(one: Dependency) -> Loaded:
    for version in installed(one).values():
        return version, None
    return None, _fault(one, ModuleNotFoundError(name=one.module))


def _load(one: Dependency) -> Loaded:
    from importlib import import_module

    try:
        module = import_module(one.module)
        getattr(module, one.attribute)
        version: str = module.__version__
    except Exception as error:  # noqa: BLE001 - a broken library fails in any way on import
        return None, _fault(one, error)
    return version, unmet(one, version)


def too_old(module: str, version: str, needed: dict[str, str]) -> DependencyError:
    """Return the error of a version that is below edgefeat's floor.

    Args:
        module: Which of the three.
        version: The version that is installed.
        needed: The versions that edgefeat needs, by package.
    """
    one = next(one for one in DEPENDENCIES if one.module == module)
    floor, _ = floor_and_ceiling(needed[one.distributions[0]])
    return DependencyError(
        f"{one.name} {version} is too old: edgefeat needs {floor} or newer",
        remedy=f"Run {pip_install(one, needed)}.",
    )


def unmet(one: Dependency, version: str) -> DependencyError | None:
    """Return what is wrong with a version; None if edgefeat works with it."""
    needed = from_installation()
    _, ceiling = floor_and_ceiling(needed.get(one.distributions[0], ""))
    if ceiling is not None and release(version) >= release(ceiling):
        return DependencyError(
            f"{one.name} {version} is too new: edgefeat works with versions below {ceiling}",
            remedy=f"Run {pip_install(one, needed)}.",
        )
    return too_old(one.module, version, needed) if _is_too_old(one, version, needed) else None


def installed(one: Dependency) -> dict[str, str]:
    """Return the versions of the installed packages that bring this module, by package."""
    from importlib import metadata

    found = {}
    for name in one.distributions:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def pip_install(one: Dependency, needed: dict[str, str], *, again: bool = False) -> str:
    """Return the pip command that installs a version that edgefeat works with.

    Args:
        one: What to install. If another of its builds is installed, such as that for CUDA, the
            command names that build.
        needed: The versions that edgefeat needs, by package.
        again: Whether files of this package that are there must be written again.
    """
    name = next(iter(installed(one)), one.distributions[0])
    force = "--force-reinstall " if again else ""
    return f"`pip install {force}'{name}{needed.get(one.distributions[0], '')}'`"


def pip_replace(one: Dependency, needed: dict[str, str]) -> str:
    """Return the pip commands that remove every build of a package and install the usual one."""
    name = one.distributions[0]
    return (
        f"`pip uninstall {' '.join(installed(one))}`, "
        f"then `pip install '{name}{needed.get(name, '')}'`"
    )


def _fault(one: Dependency, error: BaseException) -> DependencyError:
    """Return what is wrong with one of the three, which could not be loaded."""
    builds, needed = installed(one), from_installation()
    for version in builds.values():
        if _is_too_old(one, version, needed):
            return too_old(one.module, version, needed)
    missing = isinstance(error, ModuleNotFoundError) and error.name == one.module
    if missing and not builds:
        problem = f"{one.name} is not installed (there is no module {one.module!r})"
        return DependencyError(problem, remedy=f"Run {pip_install(one, needed)}.")
    if missing or isinstance(error, AttributeError):
        named = " and ".join(f"{name} {version}" for name, version in builds.items())
        problem = f"{one.name} is there in part only: files of {named or one.module} are missing"
    else:
        reason = " ".join(str(error).split()).rstrip(".")
        problem = f"{one.name} is installed but cannot be loaded: {reason}"
    needs_a_screen = "libGL" in str(error) and one.distributions[0] not in builds
    if len(builds) > 1 or needs_a_screen:
        return DependencyError(problem, remedy=f"Run {pip_replace(one, needed)}.")
    return DependencyError(problem, remedy=f"Run {pip_install(one, needed, again=True)}.")


def _is_too_old(one: Dependency, version: str, needed: dict[str, str]) -> bool:
    floor, _ = floor_and_ceiling(needed.get(one.distributions[0], ""))
    return floor is not None and release(version) < release(floor)


def _modules_on_the_way(error: BaseException) -> set[str]:
    """Return the top-level modules whose code ran when an error came, and those that caused it."""
    found: set[str] = set()
    following: BaseException | None = error
    while following is not None:
        step = following.__traceback__
        while step is not None:
            found.add(str(step.tb_frame.f_globals.get("__name__")).partition(".")[0])
            step = step.tb_next
        following = following.__cause__ or following.__context__
    return found
