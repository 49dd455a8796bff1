"""The versions of other packages that edgefeat needs, read from its own metadata.

pyproject.toml says them, and pip writes them into the installed package's METADATA. There is no
second list. Standard library only, and nothing that a start would notice.
"""

from __future__ import annotations

import os.path
import sys
from collections.abc import Iterable

__all__ = ["floor_and_ceiling", "from_installation", "loaded_too_old", "release"]

_SITE_PACKAGES = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
_FIELD = "Requires-Dist:"


def loaded_too_old() -> tuple[str, str, dict[str, str]] | None:
    """Hold the loaded packages to the oldest versions that edgefeat works with, in 0.1 ms.

    Returns:
        The first module that is older, its version, and all requirements; None if none is.
    """
    needed = _beside_the_package()
    for package, bounds in needed.items():
        name = "cv2" if package.startswith("opencv") else package
        loaded = getattr(sys.modules.get(name), "__version__", None)
        floor, _ = floor_and_ceiling(bounds)
        if loaded is not None and floor is not None and release(loaded) < release(floor):
            return name, loaded, needed
    return None


def from_installation() -> dict[str, str]:
    """Return what edgefeat needs, such as `{"numpy": ">=2.0,<3"}`; empty without metadata."""
    from importlib import metadata  # 10 ms

    try:
        return _by_package(metadata.requires("edgefeat") or ())
    except metadata.PackageNotFoundError:
        return {}


def floor_and_ceiling(bounds: str) -> tuple[str | None, str | None]:
    """Return the oldest version that bounds such as `>=2.0,<3` allow, and the first too new."""
    floor = ceiling = None
    for bound in bounds.split(","):
        if bound.startswith(">="):
            floor = bound.removeprefix(">=")
        elif bound.startswith("<") and not bound.startswith("<="):
            ceiling = bound.removeprefix("<")
    return floor, ceiling


def release(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, to be compared; `rc1` or `+cu12` after them is left out."""
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if digits:
            numbers.append(int(digits))
        if digits != part:
            break
    return tuple(numbers)


def _beside_the_package() -> dict[str, str]:
    """Return the requirements by package, from where pip puts them: beside edgefeat.

    In a checkout and in a frozen application there are none.
    """
    version = sys.modules["edgefeat"].__version__  # an import would run up to the package's top
    place = os.path.join(_SITE_PACKAGES, f"edgefeat-{version}.dist-info", "METADATA")
    needed = []
    try:
        with open(place, encoding="utf-8") as lines:
            for line in lines:
                if line == "\n":  # the description follows
                    break
                if line.startswith(_FIELD):
                    needed.append(line.removeprefix(_FIELD))
    except OSError:
        pass
    return _by_package(needed)


def _by_package(needed: Iterable[str]) -> dict[str, str]:
    """Return the bounds of requirements such as `numpy<3,>=2.0`; those of extras are left out."""
    found = {}
    for requirement in needed:
        text, _, marker = requirement.partition(";")
        if "extra" not in marker:
            text = text.strip().replace(" ", "")
            at = next((i for i, sign in enumerate(text) if sign in "<>=!~"), len(text))
            # Metadata has `<3,>=2.0`; people write `>=2.0,<3`.
            found[text[:at]] = ",".join(sorted(text[at:].split(","), reverse=True))
    return found
