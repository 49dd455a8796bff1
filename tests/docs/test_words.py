"""What a machine can hold of how we write: docstrings, names, and words for parameters.

The sources are read, not imported, so this needs no packages.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("edgefeat", "export/edgefeat_export")
FEW = 2
"""A public function with more parameters than this lists them under "Args:"."""

NO_VERBS = {
    *("a", "all", "an", "as", "axes", "by", "each", "every", "how", "in", "into", "its", "no"),
    *("nothing", "of", "one", "only", "that", "the", "those", "to", "two", "what", "where"),
    *("whether", "which", "why", "with"),
}
"""Words that begin no docstring of a function: it says what the function does, verb first."""

LEANING = re.compile(r"(As|Its|Of|Such|The same|Those|Whose|With)\b")
"""Beginnings of a parameter's text that make sense only after its name."""

OUR_ERRORS = {
    *("BackboneError", "ConversionError", "DependencyError", "ExportError", "FrameError"),
    *("ImageError", "ModelError", "OptionError", "ProviderError", "SinkError", "SourceError"),
    "VerificationError",
}

ARRAYS = re.compile(r"\b(NDArray|Pixels|Features|Array)\b")
TYPES = re.compile(r"\b(u?int(8|16|32|64)|float(16|32|64)|bool|any type)\b")

POINTER = re.compile(r"\b[Ss]ee `")
"""A docstring that leads to another one may leave parameters to that."""

ENTRY = re.compile(r" {4}(\*{0,2}\w+(?:, \*{0,2}\w+)*)(?: \([^)]*\))?: (.*)")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Documented:
    """A module, class or function with its docstring."""

    place: str
    name: str
    node: ast.Module | ast.ClassDef | Function
    owner: ast.ClassDef | None
    public: bool

    @property
    def doc(self) -> str:
        return ast.get_docstring(self.node) or ""

    @property
    def entries(self) -> dict[str, str]:
        """What is written of each parameter or field."""
        found: dict[str, str] = {}
        for block in re.findall(r"^(?:Args|Attributes):\n((?: {4}.*\n?|\n)*)", self.doc, re.M):
            for line in block.splitlines():
                if entry := ENTRY.match(line):
                    found |= {name.strip("* "): entry[2] for name in entry[1].split(",")}
        return found


@cache
def everything() -> tuple[Documented, ...]:
    files = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
    return tuple(found for file in files for found in _in_file(file))


def _in_file(file: Path) -> Iterator[Documented]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    place = str(file.relative_to(ROOT))
    exported = set(_exported(tree))
    yield Documented(place, "module", tree, None, public=True)
    for node in tree.body:
        if isinstance(node, ast.ClassDef | Function):
            yield from _below(node, place, node.name in exported)


def _below(node: ast.ClassDef | Function, place: str, public: bool) -> Iterator[Documented]:
    yield Documented(f"{place}:{node.lineno}", node.name, node, None, public)
    if not isinstance(node, ast.ClassDef):
        return
    for inner in node.body:
        if isinstance(inner, Function):
            shown = public and not (inner.name.startswith("_") and inner.name != "__init__")
            name = f"{node.name}.{inner.name}"
            yield Documented(f"{place}:{inner.lineno}", name, inner, node, shown)


def _exported(tree: ast.Module) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value)) if isinstance(node.value, ast.List) else []
    return []


def _decorators(node: ast.ClassDef | Function) -> str:
    return " ".join(ast.unparse(decorator) for decorator in node.decorator_list)


def _report(found: list[str]) -> None:
    assert not found, "\n" + "\n".join(found)


def test_no_docstring_begins_with_of_or_with_a_list() -> None:
    begins = ("Of ", "Args:", "Attributes:", "Returns:", "Raises:")
    _report([f"{one.place}: {one.name}" for one in everything() if one.doc.startswith(begins)])


def test_the_docstring_of_a_function_begins_with_a_verb() -> None:
    found = []
    for one in everything():
        if not isinstance(one.node, Function) or _names_a_value(one.node):
            continue
        first = re.match(r"\w*", one.doc)
        words = first[0] if first else ""
        if one.doc and (words.lower() in NO_VERBS or not words[:1].isupper()):
            found.append(f"{one.place}: {one.name}: {one.doc.splitlines()[0]}")
    _report(found)


def _names_a_value(node: Function) -> bool:
    return "property" in _decorators(node) or node.name == "__len__"


def test_no_comment_begins_with_of() -> None:
    found = []
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                if re.search(r"(^|  )# of\b", line.lstrip()):
                    found.append(f"{file.relative_to(ROOT)}:{number}: {line.strip()}")
    _report(found)


def test_what_is_public_has_a_docstring() -> None:
    found = []
    for one in everything():
        special = one.name.endswith("__init__") or "overload" in _decorators_of(one)
        if one.public and not one.doc and not special:
            found.append(f"{one.place}: {one.name}")
    _report(found)


def _decorators_of(one: Documented) -> str:
    return "" if isinstance(one.node, ast.Module) else _decorators(one.node)


def test_the_words_for_a_parameter_stand_alone() -> None:
    found = []
    for one in everything():
        for name, text in one.entries.items():
            if LEANING.match(text):
                found.append(f"{one.place}: {one.name}, {name}: {text}")
    _report(found)


def test_a_list_of_parameters_is_whole_and_more_than_two_have_one() -> None:
    found = []
    for one in everything():
        if not isinstance(one.node, Function) or not one.public:
            continue
        if "overload" in _decorators(one.node):
            continue
        given = one.node.args
        names = [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
        if one.owner is not None and "staticmethod" not in _decorators(one.node):
            names = names[1:]
        told, text = set(one.entries), one.doc
        if one.owner is not None and one.node.name == "__init__":
            whole = Documented(one.place, "", one.owner, None, public=True)
            told, text = told | set(whole.entries), text + whole.doc
        missing = [name for name in names if name not in told]
        elsewhere = POINTER.search(text) or text.endswith("Args:")  # filled in at import
        if missing and not elsewhere and (told or len(names) > FEW):
            found.append(f"{one.place}: {one.name}: {', '.join(missing)}")
    _report(found)


def test_a_function_that_raises_one_of_our_errors_tells_so() -> None:
    found = []
    for one in everything():
        if not isinstance(one.node, Function) or not one.public:
            continue
        text = one.doc
        if one.owner is not None and one.node.name in ("__init__", "__post_init__"):
            text += ast.get_docstring(one.owner) or ""
        raised = {name for name in _raised(one.node) if name.endswith("Error")} & OUR_ERRORS
        missing = sorted(name for name in raised if name not in text)
        if missing and not POINTER.search(text) and "EdgefeatError" not in text:
            found.append(f"{one.place}: {one.name}: {', '.join(missing)}")
    _report(found)


def _raised(node: Function) -> Iterator[str]:
    """Yield the class of each error that a function itself makes and raises."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Raise) and isinstance(inner.exc, ast.Call):
            yield ast.unparse(inner.exc.func)


def test_a_function_of_arrays_tells_their_type() -> None:
    found = []
    for one in everything():
        if not isinstance(one.node, Function) or not one.public:
            continue
        given = one.node.args
        notes = [each.annotation for each in (*given.args, *given.kwonlyargs)]
        signature = " ".join(ast.unparse(note) for note in (*notes, one.node.returns) if note)
        text = one.doc + ((ast.get_docstring(one.owner) or "") if one.owner else "")
        if ARRAYS.search(signature) and not (TYPES.search(text) or POINTER.search(text)):
            found.append(f"{one.place}: {one.name}")
    _report(found)


def test_every_field_of_a_record_is_documented() -> None:
    found = []
    for one in everything():
        if not isinstance(one.node, ast.ClassDef) or not _is_record(one.node):
            continue
        told = set(one.entries) | set(_told_below(one.node))
        fields = [
            ast.unparse(each.target) for each in one.node.body if isinstance(each, ast.AnnAssign)
        ]
        missing = [name for name in fields if name not in told and not name.startswith("_")]
        if missing and not POINTER.search(one.doc):
            found.append(f"{one.place}: {one.name}: {', '.join(missing)}")
    _report(found)


def _is_record(node: ast.ClassDef) -> bool:
    bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    return "dataclass" in _decorators(node) or bool(bases & {"Record", "NamedTuple", "Options"})


def _told_below(node: ast.ClassDef) -> Iterator[str]:
    """Yield the fields with a string behind them, or with a text in `option(...)`."""
    for field, after in zip(node.body, [*node.body[1:], None], strict=True):
        if not isinstance(field, ast.AnnAssign):
            continue
        is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        is_option = isinstance(field.value, ast.Call) and "Options" in map(ast.unparse, node.bases)
        if is_text or is_option:
            yield ast.unparse(field.target)


def test_no_two_public_classes_share_a_name() -> None:
    places = defaultdict(list)
    for one in everything():
        if isinstance(one.node, ast.ClassDef) and one.public:
            places[one.name].append(one.place)
    _report([f"{name}: {', '.join(at)}" for name, at in places.items() if len(at) > 1])


@pytest.mark.parametrize(
    ("source", "check"),
    [
        ('def f():\n    """Of the pictures."""', test_no_docstring_begins_with_of_or_with_a_list),
        ("LARGEST = 3  # of a line", test_no_comment_begins_with_of),
        ('def f():\n    """The size."""', test_the_docstring_of_a_function_begins_with_a_verb),
        ('__all__ = ["f"]\n\ndef f(): pass', test_what_is_public_has_a_docstring),
        (
            'def f(x):\n    """Do.\n\n    Args:\n        x: Its size.\n    """',
            test_the_words_for_a_parameter_stand_alone,
        ),
        (
            '__all__ = ["f"]\n\ndef f(x, y):\n    """Do.\n\n    Args:\n        x: Size.\n    """',
            test_a_list_of_parameters_is_whole_and_more_than_two_have_one,
        ),
        (
            '__all__ = ["f"]\n\ndef f(x, y, z):\n    """Do."""',
            test_a_list_of_parameters_is_whole_and_more_than_two_have_one,
        ),
        (
            '__all__ = ["f"]\n\ndef f():\n    """Do."""\n    raise ImageError("odd")',
            test_a_function_that_raises_one_of_our_errors_tells_so,
        ),
        (
            '__all__ = ["f"]\n\ndef f(x: NDArray[np.uint8]):\n    """Do."""',
            test_a_function_of_arrays_tells_their_type,
        ),
        (
            'class A(Record):\n    """One."""\n\n    x: int',
            test_every_field_of_a_record_is_documented,
        ),
        (
            '__all__ = ["A"]\nclass A:\n    """One."""\nclass A:\n    """Two."""',
            test_no_two_public_classes_share_a_name,
        ),
    ],
)
def test_each_of_these_tests_can_fail(
    source: str, check: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "edgefeat").mkdir()
    (tmp_path / "edgefeat" / "odd.py").write_text(source)
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    everything.cache_clear()
    try:
        assert callable(check)
        with pytest.raises(AssertionError, match=r"odd\.py"):
            check()
    finally:
        everything.cache_clear()
