"""Checks, on plain data, that opening a SavedModel computes and does nothing else.

A SavedModel holds functions of TensorFlow's operators, some of which read and write files, print,
or call Python. When the folder is opened, TensorFlow runs the functions that make and restore the
model's resources; later the exporter runs its signature. Whatever those functions call, however
deep, must be on the list of `saved.tensorflow_operators`. Other functions never run, such as a
training step; even there nothing may stand that reaches out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from edgefeat_export.errors import BackboneError
from edgefeat_export.saved.tensorflow_operators import COMPUTES, LOOPS, REACHES_OUT, SAVES

__all__ = ["require_computation"]

_MOST_BYTES: Final = 4 << 30
_MOST_NAMED: Final = 4  # operators that a message names
_MOST_CALLED: Final = 200_000  # operators of all functions, each counted as often as it is called
_MOST_FILLED: Final = 64 << 20  # bytes of constants that the file does not spell out
# What TensorFlow calls while it opens a folder.
_RUN_BY_LOADER: Final = ("_create_resource", "_initialize", "_destroy_resource")
_SIGNATURES: Final = "signatures"


def require_computation(folder: Path, saved: Any) -> None:
    """Refuse a SavedModel whose opening could do more than compute.

    Args:
        folder: The folder, for messages.
        saved: What `saved_model.pb` holds, a `SavedModel` message.

    Raises:
        BackboneError: An operator is not on the list, or the folder is of another kind.
    """
    _require_plain_files(folder)
    if len(saved.meta_graphs) != 1 or not saved.meta_graphs[0].object_graph_def.nodes:
        raise _refusal(
            folder,
            "expected a SavedModel of TensorFlow 2, got one of TensorFlow 1, which runs operators"
            " of the file to open itself",
            "Save it again with tf.saved_model.save of TensorFlow 2. If you trust it, allow that"
            " with {option}.",
        )
    graph = saved.meta_graphs[0].graph_def
    functions = {one.signature.name: one for one in graph.library.function}
    runs = _reached(_names_that_run(saved.meta_graphs[0].object_graph_def), functions, folder)
    saves = _reached(_calls(graph.node, functions), functions, folder)
    found = {op for name in runs for op in _operators(functions[name].node_def, functions)}
    found -= COMPUTES
    beside = set(_operators(graph.node, functions)).union(
        *(_operators(functions[name].node_def, functions) for name in saves - runs)
    )
    found |= {op for op in beside - COMPUTES - SAVES if REACHES_OUT.search(op)}
    for name in functions.keys() - runs - saves:
        found |= {op for op in _operators(functions[name].node_def, functions) if _reaches(op)}
    if found and found <= LOOPS:
        raise _refusal(
            folder,
            "it has a loop, as recurrent layers have, which need not end",
            "Give the .keras or .h5 file, where recurrent layers are known. If you trust it, allow"
            " the loop with {option}, and cut in front of it if it cannot be translated.",
        )
    if found:
        more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
        raise _refusal(
            folder,
            f"opening it would run {', '.join(sorted(found)[:_MOST_NAMED])}{more}, which can reach"
            " beyond the model",
            "If you trust it, allow that with {option}.",
        )
    _require_spelled_out(graph, functions, folder)


def _require_plain_files(folder: Path) -> None:
    """Refuse links to other places, devices, and more bytes than a network has."""
    total = 0
    for path in folder.rglob("*"):
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise _refusal(
                path,
                "expected files and folders only, got a link or a device",
                "Copy the folder with the files that its links name.",
                option=None,
            )
        total += path.stat().st_size if path.is_file() else 0
    if total > _MOST_BYTES:
        raise _refusal(
            folder,
            f"expected at most {_MOST_BYTES >> 30} GB, got {total / 2**30:.1f} GB",
            "Export a smaller model.",
            option=None,
        )


def _names_that_run(objects: Any) -> set[str]:
    """Return the functions that opening the folder calls, and those behind its signatures."""
    names = set[str]()
    for node in objects.nodes:
        for child in node.children:
            if child.local_name in _RUN_BY_LOADER or node.WhichOneof("kind") == "resource":
                names |= set(_functions_of(objects.nodes[child.node_id]))
            elif child.local_name == _SIGNATURES:
                for one in objects.nodes[child.node_id].children:
                    names |= set(_functions_of(objects.nodes[one.node_id]))
        for saveable in node.saveable_objects.values():
            for index in (saveable.save_function, saveable.restore_function):
                names |= set(_functions_of(objects.nodes[index]))
    return names


def _functions_of(node: Any) -> Iterator[str]:
    yield from node.function.concrete_functions
    if node.bare_concrete_function.concrete_function_name:
        yield node.bare_concrete_function.concrete_function_name


def _reached(names: set[str], functions: dict[str, Any], folder: Path) -> set[str]:
    """Return the functions that some call, and those that these call, and so on.

    Raises:
        BackboneError: They call each other in a circle, or so often that their operators, each
            counted as often as it runs, are more than a network has.
    """
    sizes: dict[str, float] = {}
    waiting = [(name, False) for name in names if name in functions]
    while waiting:
        name, is_done = waiting.pop()
        calls = list(_called(functions[name].node_def, functions))
        if is_done:
            inside = sum(sizes.get(one, math.inf) for one in calls)
            sizes[name] = len(functions[name].node_def) + inside
        elif name not in sizes:
            sizes[name] = math.inf
            waiting.append((name, True))
            waiting += [(one, False) for one in calls if one not in sizes]
    if any(size > _MOST_CALLED for size in sizes.values()):
        raise _refusal(
            folder,
            "its functions call each other without an end, or more often than in any network",
            "Export the model again.",
            option=None,
        )
    return set(sizes)


def _operators(nodes: Any, functions: dict[str, Any]) -> set[str]:
    return {node.op for node in nodes if node.op not in functions}


def _calls(nodes: Any, functions: dict[str, Any]) -> set[str]:
    return set(_called(nodes, functions))


def _called(nodes: Any, functions: dict[str, Any]) -> Iterator[str]:
    """Yield the functions that nodes call, each as often as it is called."""
    for node in nodes:
        names = [node.op]
        for value in node.attr.values():
            names += [value.func.name, *(one.name for one in value.list.func)]
        yield from (name for name in names if name in functions)


def _reaches(operator: str) -> bool:
    return operator not in COMPUTES | SAVES and REACHES_OUT.search(operator) is not None


def _require_spelled_out(graph: Any, functions: dict[str, Any], folder: Path) -> None:
    """Refuse constants that a few bytes blow up: one number and a shape of millions."""
    filled = 0
    for nodes in (graph.node, *(one.node_def for one in functions.values())):
        for node in nodes:
            tensor = node.attr["value"].tensor if node.op == "Const" else None
            if tensor is not None:
                sides = [max(side.size, 1) for side in tensor.tensor_shape.dim]
                filled += max(math.prod(sides) - tensor.ByteSize(), 0)
    if filled > _MOST_FILLED:
        raise _refusal(
            folder,
            f"its constants unfold into {filled / 1e6:.0f} MB and more that the file does not hold",
            "Export the model again.",
            option=None,
        )


def _refusal(
    where: Path, problem: str, remedy: str, *, option: str | None = "allow_code=True"
) -> BackboneError:
    return BackboneError(problem, where=where, remedy=remedy, option=option)
