"""PyTorch's weights files that are refused: code, damage, anything but tensors."""

import os
import pickle
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgefeat_export.errors import BackboneError
from edgefeat_export.networks.torch_pickle import read_torch_pickle
from torch_pickles import (
    EMPTY_DICT,
    MACHINE,
    MAGIC,
    MARK,
    REDUCE,
    SIX,
    SIZE,
    STOP,
    dotted,
    legacy,
    mapping,
    ordered_dict,
    raw,
    storage,
    tensor,
    value,
)

REFUSED = (
    "refused without running it. Do not trust this file, or save a plain state_dict of tensors."
)
DAMAGED = "The file is damaged: fetch it again."
RESAVE = "Save a plain state_dict of tensors."


@pytest.fixture
def pth(tmp_path: Path):
    def write(data: bytes) -> Path:
        path = tmp_path / "w.pth"
        path.write_bytes(data)
        return path

    return write


def refusal(path: Path) -> str:
    with pytest.raises(BackboneError) as caught:
        read_torch_pickle(path)
    return str(caught.value)


class Hostile:
    """Runs a command when unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("part", ["magic", "protocol", "machine", "object", "keys"])
def test_a_pickle_that_runs_a_command_is_refused(pth, tmp_path, part, protocol):
    marker = tmp_path / "ran"
    hostile = pickle.dumps(Hostile(f"touch {marker}"), protocol)
    parts = {
        "magic": pickle.dumps(MAGIC, 2),
        "protocol": pickle.dumps(1001, 2),
        "machine": pickle.dumps(MACHINE, 2),
        "object": b"\x80\x02" + mapping(a=tensor()) + STOP,
        "keys": pickle.dumps(["0"], 2),
    }
    path = pth(b"".join((parts | {part: hostile}).values()) + raw(SIX))
    message = refusal(path)
    assert f"expected only tensors, got the global '{os.name}.system' at byte " in message
    assert message.endswith(REFUSED)
    assert not marker.exists()


def test_the_refused_global_is_named_in_full(pth):
    path = pth(legacy(dotted("os.system") + value(("true",)) + REDUCE))
    start = path.read_bytes().index(b"cos\n")
    assert refusal(path) == (
        f"{path} (object): expected only tensors, got the global 'os.system' at byte {start},"
        f" {REFUSED}"
    )


@pytest.mark.parametrize(
    ("saved", "got"),
    [
        pytest.param(
            dotted("builtins.eval") + value(("1",)) + REDUCE, "the global 'builtins.eval'"
        ),
        pytest.param(
            MARK + value("true") + b"ios\nsystem\n",
            "opcode INST",
            id="inst",
        ),
        pytest.param(MARK + dotted("torch.FloatStorage") + b"o", "opcode OBJ", id="obj"),
        pytest.param(dotted("torch.FloatStorage") + b")\x81", "opcode NEWOBJ", id="newobj"),
        pytest.param(b"\x82\x01", "opcode EXT1", id="extension"),
        pytest.param(value("x") + value((1,)) + REDUCE, "a call of a str", id="call-text"),
        pytest.param(tensor() + b")" + REDUCE, "a call of a Call", id="call-call"),
        pytest.param(
            dotted("torch.FloatStorage") + EMPTY_DICT + b"b", "state on a Global", id="build-global"
        ),
        pytest.param(tensor() + EMPTY_DICT + b"b", "state on a Call", id="build-call"),
        pytest.param(value((1,)) + EMPTY_DICT + b"b", "state on a tuple", id="build-tuple"),
        pytest.param(
            dotted("collections.OrderedDict") + value((value((1,)),)) + REDUCE,
            "one with arguments",
            id="filled-ordered-dict",
        ),
        pytest.param(EMPTY_DICT + value((1,)) + value(1) + b"s", "a tuple", id="tuple-key"),
        pytest.param(value("x") + value("y") + value(1) + b"s", "a str", id="item-of-text"),
        pytest.param(value("x") + value(1) + b"a", "a str", id="append-to-text"),
    ],
)
def test_anything_but_tensors_is_refused(pth, saved, got):
    message = refusal(pth(legacy(saved)))
    assert f", got {got} at byte " in message
    assert message.endswith(REFUSED)


def test_a_memo_bomb_costs_nothing(pth):
    # Twenty levels of "twice the level below": printed or hashed, a million leaves.
    doubled = value((1,)) + b"q\x00" + b"h\x00\x86q\x00" * 60
    path = pth(legacy(doubled))
    assert refusal(path) == f"{path}: expected a mapping of names to tensors, got a tuple. {RESAVE}"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(
            b"PK\x03\x04",
            "expected a legacy PyTorch file, got a zip archive. Save it again with"
            " torch.save(..., _use_new_zipfile_serialization=False).",
            id="zip",
        ),
        pytest.param(
            legacy(mapping(a=tensor()), magic=1),
            f"expected magic number {MAGIC:#x}, got 1. {RESAVE}",
            id="magic",
        ),
        pytest.param(
            legacy(mapping(a=tensor()), protocol=1002),
            f"expected protocol 1001, got 1002. {RESAVE}",
            id="protocol",
        ),
        pytest.param(
            legacy(mapping(a=tensor()), machine={"little_endian": False}),
            f"expected little_endian True, got False. {RESAVE}",
            id="big-endian",
        ),
        pytest.param(
            legacy(mapping(a=tensor()), machine=[]),
            f"expected little_endian True, got None. {RESAVE}",
            id="no-machine",
        ),
        pytest.param(
            legacy(ordered_dict()),
            f"expected a mapping of names to tensors, got a dict. {RESAVE}",
            id="empty",
        ),
        pytest.param(
            legacy(mapping(a=value("x"))),
            f"expected 'a' to be a tensor, got a str. {RESAVE}",
            id="text",
        ),
        pytest.param(
            legacy(mapping(state=mapping(a=tensor()))),
            f"expected 'state' to be a tensor, got a dict. {RESAVE}",
            id="nested-checkpoint",
        ),
        pytest.param(
            legacy(mapping(a=dotted("torch._utils._rebuild_tensor_v2") + b")" + REDUCE)),
            f"expected 6 or 7 values for 'a', got 0. {DAMAGED}",
            id="arguments",
        ),
        pytest.param(
            legacy(mapping(a=tensor(value(1)))),
            f"expected a storage behind 'a', got something else. {RESAVE}",
            id="no-storage",
        ),
        pytest.param(
            legacy(mapping(a=tensor(storage(view=("v", 0, 1))))),
            f"expected a storage behind 'a', got something else. {RESAVE}",
            id="storage-view",
        ),
        pytest.param(
            legacy(mapping(a=tensor(storage(count=-1)))),
            f"expected a storage behind 'a', got something else. {RESAVE}",
            id="negative-count",
        ),
        pytest.param(
            legacy(mapping(a=tensor(offset=-1))),
            f"expected offset, size and stride of 'a', got other values. {DAMAGED}",
            id="negative-offset",
        ),
        pytest.param(
            legacy(mapping(a=tensor(stride=(-3, 1)))),
            f"expected offset, size and stride of 'a', got other values. {DAMAGED}",
            id="negative-stride",
        ),
        pytest.param(
            legacy(mapping(a=tensor(size=(True, 3)))),
            f"expected offset, size and stride of 'a', got other values. {DAMAGED}",
            id="boolean-size",
        ),
        pytest.param(
            legacy(mapping(a=tensor(stride=(1,)))),
            f"expected offset, size and stride of 'a', got other values. {DAMAGED}",
            id="ragged",
        ),
        pytest.param(
            legacy(mapping(a=tensor(size=(1,) * 33, stride=(1,) * 33))),
            f"expected offset, size and stride of 'a', got other values. {DAMAGED}",
            id="too-many-dimensions",
        ),
        pytest.param(
            legacy(mapping(a=tensor(offset=1))),
            f"expected 'a' inside its 6 stored elements, got 6 elements up to index 6. {DAMAGED}",
            id="offset-outside",
        ),
        pytest.param(
            legacy(mapping(a=tensor(stride=(4, 1)))),
            f"expected 'a' inside its 6 stored elements, got 6 elements up to index 6. {DAMAGED}",
            id="stride-outside",
        ),
        pytest.param(
            legacy(mapping(a=tensor(size=(2**40,), stride=(0,)))),
            "expected 'a' inside its 6 stored elements, got 1099511627776 elements up to index 0."
            f" {DAMAGED}",
            id="broadcast-bomb",
        ),
        pytest.param(
            legacy(mapping(a=tensor(size=(0, 2**62, 2), stride=(1, 1, 1)))),
            "expected sizes of 'a' whose product is below 2147483648, got 9223372036854775808."
            f" {DAMAGED}",
            id="huge-and-empty",
        ),
        pytest.param(
            legacy(mapping(a=tensor(), b=tensor(storage(kind="Int")))),
            f"expected one kind of storage '0', got two. {DAMAGED}",
            id="two-kinds",
        ),
        pytest.param(
            legacy(mapping(a=tensor()), keys={"0": 1}),
            f"expected a list of storage keys, got a dict. {DAMAGED}",
            id="keys-no-list",
        ),
        pytest.param(
            legacy(mapping(a=tensor()), keys=("1",)),
            f"expected 1 storage keys, got 1 or other ones. {DAMAGED}",
            id="other-key",
        ),
        pytest.param(
            legacy(mapping(a=tensor()), keys=("0", "0")),
            f"expected 1 storage keys, got 2 or other ones. {DAMAGED}",
            id="key-twice",
        ),
        pytest.param(
            legacy(mapping(a=tensor()), storages=raw(SIX, count=5)),
            f"expected 6 elements in storage '0', got 5. {DAMAGED}",
            id="count",
        ),
        pytest.param(
            legacy(mapping(a=tensor(storage(count=2**62)))),
            f"expected {SIZE - 24 + 4 * 2**62} bytes up to storage '0', got {SIZE}. {DAMAGED}",
            id="huge-count",
        ),
        pytest.param(
            legacy(mapping(a=tensor()), storages=raw(SIX)[:-1]),
            f"expected {SIZE} bytes up to storage '0', got {SIZE - 1}. {DAMAGED}",
            id="truncated",
        ),
        pytest.param(
            legacy(mapping(a=tensor())) + b"\x00",
            f"expected {SIZE} bytes, got {SIZE + 1}. {DAMAGED}",
            id="trailing",
        ),
    ],
)
def test_a_malformed_file_says_what_is_wrong(pth, data, expected):
    path = pth(data)
    assert refusal(path) == f"{path}: {expected}"


def test_a_missing_file_is_named(tmp_path):
    path = tmp_path / "none.pth"
    assert refusal(path) == (
        f"{path}: expected a PyTorch weights file, got No such file or directory. Check the"
        " path of the weights."
    )


def test_what_is_no_pickle_is_said_so(pth):
    path = pth(b"\xffhello")
    assert refusal(path) == (
        f"{path} (magic number): expected a whole pickle, got one that cannot be parsed (at"
        " position 0, opcode b'\\xff' unknown). The file is damaged or not a PyTorch file: fetch it"
        " again."
    )


def test_operands_that_are_not_there(pth):
    path = pth(b"\x80\x02R.")
    assert refusal(path) == (
        f"{path} (magic number): expected a well-formed pickle, got REDUCE at byte 2 without its"
        f" operands. {DAMAGED}"
    )


@pytest.mark.parametrize(("data", "count"), [(b"\x80\x02.", 0), (b"\x80\x02NN.", 2), (b"(.", 1)])
def test_more_or_less_than_one_value(pth, data, count):
    path = pth(data)
    assert refusal(path) == (
        f"{path} (magic number): expected one value at the end of the pickle, got {count}."
        f" {DAMAGED}"
    )


GOOD = legacy(mapping(a=tensor(), b=tensor(offset=2, size=(2, 2), stride=(2, 1))))


# pickletools warns of odd escapes in a global's name before the name is refused.
@pytest.mark.filterwarnings("ignore:invalid:DeprecationWarning")
@given(
    edits=st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=4),
    length=st.integers(0, len(GOOD)),
)
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_damage_is_either_harmless_or_a_typed_error(pth, edits, length):
    data = bytearray(GOOD)
    for index, byte in edits:
        data[index] = byte
    try:
        read = read_torch_pickle(pth(bytes(data[: len(GOOD) - length // 8])))
    except BackboneError:
        return
    for array in read.values():
        assert array.size <= 6
        array.copy()
