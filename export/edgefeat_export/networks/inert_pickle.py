"""Reads a pickle without running it: it gives back data, and only records calls.

A pickle is a program, and `pickle.load` runs it. This reader follows the same opcodes on a small
stack machine of its own, which cannot import or call anything. A global becomes a `Global` with its
name, a call of an allowed global becomes a `Call`, a persistent id becomes a `PersistentId`. Only
the opcodes that a file of tensors needs are there. At any other opcode the reading ends with an
error.
"""

import pickletools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from edgefeat_export.errors import BackboneError

__all__ = ["Call", "Global", "PersistentId", "read_inert_pickle"]

_DAMAGED = "The file is damaged: fetch it again."
_MARK = object()
_MAPPING = "collections.OrderedDict"
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_TUPLE_SIZES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_LITERALS = frozenset({"BINUNICODE", "SHORT_BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1"})
_IGNORED = frozenset({"PROTO", "FRAME"})
_PUTS = frozenset({"BINPUT", "LONG_BINPUT"})
_GETS = frozenset({"BINGET", "LONG_BINGET"})


@dataclass(frozen=True, slots=True)
class Global:
    """What a pickle asked to import; it is never imported.

    Attributes:
        name: The dotted name.
    """

    name: str


@dataclass(frozen=True, slots=True)
class PersistentId:
    """A reference to an object that is stored outside the pickle.

    Attributes:
        value: What identifies the object.
    """

    value: object


@dataclass(frozen=True, slots=True)
class Call:
    """A call of an allowed global, recorded instead of made.

    Attributes:
        name: The dotted name of what was to be called.
        arguments: Arguments of the call.
    """

    name: str
    arguments: tuple[object, ...]


def read_inert_pickle(stream: BinaryIO, *, allowed: frozenset[str], where: str) -> object:
    """Read one pickle from `stream`, leaving the stream just behind it.

    `collections.OrderedDict` is always understood and comes back as a plain dict.

    Args:
        stream: A seekable stream held in memory: lengths in the pickle are not to be trusted with
            a read from disk.
        allowed: Dotted names of the globals that may be mentioned and called.
        where: File and part, for messages.

    Returns:
        The unpickled data, with `Global`, `Call` and `PersistentId` in place of live objects.

    Raises:
        BackboneError: The pickle is damaged, or asks for anything outside `allowed`.
    """
    machine = _Machine(allowed=allowed | {_MAPPING}, where=where)
    for name, argument, position in _operations(stream, where):
        if name == "STOP":
            return machine.finish()
        try:
            machine.step(name, argument, position)
        except (IndexError, KeyError) as error:
            raise BackboneError(
                f"expected a well-formed pickle, got {name} at byte {position} without its"
                " operands",
                where=where,
                remedy=_DAMAGED,
            ) from error
    raise BackboneError("expected a pickle that ends, got no STOP", where=where, remedy=_DAMAGED)


def _operations(stream: BinaryIO, where: str) -> Iterator[tuple[str, Any, int]]:
    try:
        for opcode, argument, position in pickletools.genops(stream):
            yield opcode.name, argument, position if position is not None else -1
    except (
        ValueError,
        OverflowError,
    ) as error:  # truncated, unknown opcode, text that is not UTF-8
        raise BackboneError(
            f"expected a whole pickle, got one that cannot be parsed ({error})",
            where=where,
            remedy="The file is damaged or not a PyTorch file: fetch it again.",
        ) from error


@dataclass(slots=True)
class _Machine:
    """The stack machine that one pickle runs on.

    Attributes:
        allowed: Dotted names of the globals that may be mentioned.
        where: File and part, for messages.
        stack: The values under work, last on top.
        memo: Values that the pickle may fetch again, by number.
    """

    allowed: frozenset[str]
    where: str
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def finish(self) -> object:
        """Hand out the one value left at STOP."""
        if len(self.stack) != 1 or self.stack[0] is _MARK:
            raise BackboneError(
                f"expected one value at the end of the pickle, got {len(self.stack)}",
                where=self.where,
                remedy=_DAMAGED,
            )
        return self.stack[0]

    def step(self, name: str, argument: Any, position: int) -> None:
        """Carry out one opcode on the stack."""
        if name in _LITERALS:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _PUTS:
            self.memo[argument] = self._top()
        elif name in _GETS:
            self.stack.append(self.memo[argument])
        elif name in _TUPLE_SIZES:
            self.stack.append(tuple(reversed([self._pop() for _ in range(_TUPLE_SIZES[name])])))
        elif name in _HANDLERS:
            _HANDLERS[name](self, position)
        elif name == "GLOBAL":
            self._global(str(argument).replace(" ", "."), position)
        elif name not in _IGNORED:
            raise self._refusal("only opcodes that hold tensors", f"opcode {name}", position)

    def _pop(self) -> Any:
        if self._top() is _MARK:
            raise IndexError("mark")
        return self.stack.pop()

    def _top(self) -> Any:
        return self.stack[-1]

    def _pop_to_mark(self) -> list[Any]:
        items = []
        while self._top() is not _MARK:
            items.append(self.stack.pop())
        self.stack.pop()
        return items[::-1]

    def _global(self, name: str, position: int) -> None:
        if name not in self.allowed:
            raise self._refusal("only tensors", f"the global {name[:100]!r}", position)
        self.stack.append(Global(name))

    def _refusal(self, expected: str, got: str, position: int) -> BackboneError:
        return BackboneError(
            f"expected {expected}, got {got} at byte {position}, refused without running it",
            where=self.where,
            remedy="Do not trust this file, or save a plain state_dict of tensors.",
        )

    def _stack_global(self, position: int) -> None:
        name, module = self._pop(), self._pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise self._refusal("a global's name", _kind(name), position)
        self._global(f"{module}.{name}", position)

    def _memoize(self, position: int) -> None:
        self.memo[len(self.memo)] = self._top()

    def _mark(self, position: int) -> None:
        self.stack.append(_MARK)

    def _empty_dict(self, position: int) -> None:
        self.stack.append({})

    def _empty_list(self, position: int) -> None:
        self.stack.append([])

    def _tuple(self, position: int) -> None:
        self.stack.append(tuple(self._pop_to_mark()))

    def _persistent_id(self, position: int) -> None:
        self.stack.append(PersistentId(self._pop()))

    def _call(self, position: int) -> None:
        arguments, called = self._pop(), self._pop()
        if not isinstance(called, Global) or not isinstance(arguments, tuple):
            raise self._refusal("a call of a global", f"a call of {_kind(called)}", position)
        if called.name != _MAPPING:
            self.stack.append(Call(called.name, arguments))
        elif arguments:
            raise self._refusal("an empty OrderedDict", "one with arguments", position)
        else:
            self.stack.append({})

    def _build(self, position: int) -> None:
        # torch gives its OrderedDict an attribute with version numbers (`_metadata`), which is not
        # needed. Nothing else in a file of tensors has attributes.
        self._pop()
        if not isinstance(self._top(), dict):
            raise self._refusal("state on a mapping", f"state on {_kind(self._top())}", position)

    def _append(self, position: int) -> None:
        self._extend([self._pop()], position)

    def _appends(self, position: int) -> None:
        self._extend(self._pop_to_mark(), position)

    def _extend(self, items: list[Any], position: int) -> None:
        target = self._top()
        if not isinstance(target, list):
            raise self._refusal("a list to append to", _kind(target), position)
        target.extend(items)

    def _set_item(self, position: int) -> None:
        value, key = self._pop(), self._pop()
        self._update([key, value], position)

    def _set_items(self, position: int) -> None:
        self._update(self._pop_to_mark(), position)

    def _update(self, pairs: list[Any], position: int) -> None:
        target = self._top()
        if not isinstance(target, dict) or len(pairs) % 2:
            raise self._refusal("key and value for a mapping", _kind(target), position)
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            # Only names: to hash deeply nested tuples as keys could take forever.
            if not isinstance(key, str):
                raise self._refusal("text as a key", _kind(key), position)
            target[key] = value


_HANDLERS: dict[str, Callable[[_Machine, int], None]] = {
    "MARK": _Machine._mark,
    "MEMOIZE": _Machine._memoize,
    "STACK_GLOBAL": _Machine._stack_global,
    "EMPTY_DICT": _Machine._empty_dict,
    "EMPTY_LIST": _Machine._empty_list,
    "TUPLE": _Machine._tuple,
    "BINPERSID": _Machine._persistent_id,
    "REDUCE": _Machine._call,
    "BUILD": _Machine._build,
    "APPEND": _Machine._append,
    "APPENDS": _Machine._appends,
    "SETITEM": _Machine._set_item,
    "SETITEMS": _Machine._set_items,
}


def _kind(value: object) -> str:
    # Only the type: to print deeply nested data could take forever.
    return "a mark" if value is _MARK else f"a {type(value).__name__}"
