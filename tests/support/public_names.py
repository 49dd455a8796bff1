"""Every public name with its signature, as text; `python tests/support/public_names.py` writes it.

`tests/data/public_names.txt` is what users may rely on (docs/stability.md). A test holds the code
against it, so that nobody changes a public name without seeing it.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Iterator
from dataclasses import MISSING, Field
from enum import Enum
from importlib import import_module
from pathlib import Path

__all__ = ["ELSEWHERE", "ON_DEVICE", "changes"]

FILE = Path(__file__).parents[1] / "data" / "public_names.txt"
RENEW = "python tests/support/public_names.py"
ON_DEVICE = (
    "edgefeat",
    "edgefeat.errors",
    "edgefeat.streaming",
    "edgefeat.testing.faults",
    "edgefeat.testing.latency",
    "edgefeat.model.probe",
    "edgefeat.model.spec",
    "edgefeat.search.background",
    "edgefeat.search.results",
    "edgefeat.sets.clusters",
    "edgefeat.sets.duplicates",
    "edgefeat.sets.info",
    "edgefeat.sets.photo_facts",
    "edgefeat.sets.record",
)
ELSEWHERE = (
    "edgefeat.arrow",
    "edgefeat.ray",
    "edgefeat.spark",
    "edgefeat.sklearn",
    "edgefeat_export",
    "edgefeat_export.pipeline.results",
)
_ADVICE = (
    "Public names have changed. docs/stability.md says what that means for users: a name that goes"
    f" is first deprecated, and CHANGELOG.md tells of it. If the change is meant, run `{RENEW}`,"
    " read the difference, and commit the file with the change."
)
# What public functions return: nobody imports these, but everybody reads their attributes.
RESULTS = {
    "edgefeat.model.probe": ("SelfTest",),
    "edgefeat.model.spec": (
        "InputSpec", "ModelSpec", "OutputSpec", "Parity", "Probe", "ResizeSpec", "Similarity",
        "SourceSpec",
    ),
    "edgefeat.search.background": ("Background",),
    "edgefeat.search.results": ("Match", "Matches", "Neighbours"),
    "edgefeat.sets.clusters": ("Cluster", "Clusters"),
    "edgefeat.sets.duplicates": ("Copy", "DuplicateGroup", "Duplicates", "Level"),
    "edgefeat.sets.info": ("OutputInfo", "SetInfo"),
    "edgefeat.sets.photo_facts": ("PhotoFacts",),
    "edgefeat.sets.record": ("FeatureRecord",),
}  # fmt: skip
_TOLD_ONCE = ("edgefeat", "edgefeat.errors", "edgefeat.streaming")
_GROUND = {"Options", "Record"}  # their methods serve commands
_SPECIAL = {
    "__aiter__", "__contains__", "__enter__", "__getitem__", "__iter__", "__len__", "__next__",
}  # fmt: skip


def changes(module: str) -> str:
    """Return what differs between a module and the committed file; empty if nothing does."""
    committed, present = _snapshot().get(module, []), described(module)
    if committed == present:
        return ""
    lines = difflib.unified_diff(committed, present, "public_names.txt", module, lineterm="", n=0)
    return "\n".join([*lines, "", _ADVICE])


def _snapshot() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in FILE.read_text().splitlines():
        if line.startswith("["):
            lines = found.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            lines.append(line)
    return found


def described(module: str) -> list[str]:
    """Return a line for each public name of a module, and for each public attribute of it."""
    home = import_module(module)
    return [
        line
        for name in RESULTS.get(module, getattr(home, "__all__", ()))
        for line in _lines(name, getattr(home, name))
    ]


def _lines(name: str, value: object) -> Iterator[str]:
    if not inspect.isclass(value):
        called = inspect.isfunction(value)
        yield f"{name}{_signature(value)}" if called else f"{name}: {type(value).__name__}"
        return
    bases = ", ".join(one.__name__ for one in value.__bases__ if one is not object)
    yield f"class {name}({bases})" if bases else f"class {name}"
    if issubclass(value, Enum):
        yield from (f"{name}.{one.name} = {one.value!r}" for one in value)
        return
    yield from _construction(name, value)
    for member in sorted(set(dir(value)) | set(getattr(value, "__dataclass_fields__", ()))):
        if not member.startswith("_") or member in _SPECIAL:
            yield from _attribute(f"{name}.{member}", value, member)


def _construction(name: str, made: type) -> Iterator[str]:
    """Yield how the object is made; a record is made of its fields, which follow."""
    own = vars(made).get("__init__")
    of_fields = hasattr(made, "__dataclass_fields__") or getattr(made, "_is_protocol", False)
    if inspect.isfunction(own) and not of_fields:
        yield f"{name}.__init__{_signature(own)}"


def _attribute(shown: str, owner: type, name: str) -> Iterator[str]:
    fields = getattr(owner, "__dataclass_fields__", {})
    if name in fields:
        yield f"{shown}: {_annotation(fields[name].type)}{_default(fields[name])}"
        return
    home = next((one for one in owner.__mro__ if name in vars(one)), owner)
    inherited = home is not owner and (home.__name__ in _GROUND or home.__name__ in _public())
    if inherited or not home.__module__.startswith("edgefeat"):
        return  # told once, with its own class, or not ours to promise
    value = inspect.getattr_static(owner, name)
    value = getattr(value, "__func__", value)
    getter = getattr(value, "fget", None) or getattr(value, "func", None)
    if getter is not None:
        yield f"{shown}: {_annotation(getter.__annotations__.get('return'))}"
    elif inspect.isfunction(value):
        yield f"{shown}{_signature(value)}"
    elif not inspect.ismemberdescriptor(value):
        yield f"{shown} = {value!r}"


def _public() -> set[str]:
    named = [(home, getattr(import_module(home), "__all__", ())) for home in _TOLD_ONCE]
    return {name for _, names in named for name in names}


def _default(one: Field[object]) -> str:
    if one.default_factory is not MISSING:
        return " = ..."
    return "" if one.default is MISSING else f" = {_value(one.default)}"


def _signature(function: object) -> str:
    """Return arguments and result as they are written, the same on every version of Python."""
    assert callable(function)
    parts, star = [], False
    signature = inspect.signature(function)
    for one in signature.parameters.values():
        if one.kind is one.KEYWORD_ONLY and not star:
            parts.append("*")
        star = star or one.kind in (one.KEYWORD_ONLY, one.VAR_POSITIONAL)
        stars = "*" * ((one.kind is one.VAR_POSITIONAL) + 2 * (one.kind is one.VAR_KEYWORD))
        text = f"{stars}{one.name}"
        if one.annotation is not one.empty:
            text += f": {_annotation(one.annotation)}"
        if one.default is not one.empty:
            text += f" = {_value(one.default)}"
        parts.append(text)
    return f"({', '.join(parts)}) -> {_annotation(signature.return_annotation)}"


def _value(value: object) -> str:
    if isinstance(value, Enum):
        return repr(value.value)
    return str(getattr(value, "__name__", None) or repr(value))


def _annotation(value: object) -> str:
    if value in (None, inspect.Signature.empty):
        return "None"
    text = value if isinstance(value, str) else inspect.formatannotation(value)
    return re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Z])", "", text)


def main() -> None:
    text = [
        f"# Public names and their signatures. `{RENEW}` writes this file;",
        "# docs/stability.md says what a change here means.",
    ]
    for module in (*ON_DEVICE, *ELSEWHERE):
        text += ["", f"[{module}]", *described(module)]
    FILE.write_text("\n".join(text) + "\n")


if __name__ == "__main__":
    main()
