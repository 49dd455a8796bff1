"""PyTorch's weights files are read: every kind of storage, strides, newer protocols."""

import struct
from pathlib import Path

import numpy as np
import pytest

from edgefeat_export.networks.torch_pickle import read_torch_pickle
from torch_pickles import (
    EMPTY_DICT,
    MARK,
    SET_ITEMS,
    SIX,
    dotted,
    legacy,
    mapping,
    ordered_dict,
    raw,
    storage,
    tensor,
    value,
)


@pytest.fixture
def pth(tmp_path: Path):
    def write(data: bytes) -> Path:
        path = tmp_path / "w.pth"
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        ("Double", "<f8"),
        ("Float", "<f4"),
        ("Half", "<f2"),
        ("Long", "<i8"),
        ("Int", "<i4"),
        ("Short", "<i2"),
        ("Char", "i1"),
        ("Byte", "u1"),
        ("Bool", "?"),
    ],
)
def test_reads_every_kind_of_storage(pth, kind, dtype):
    expected = np.arange(6).astype(dtype)
    data = legacy(mapping(a=tensor(storage(kind=kind))), storages=raw(expected))
    read = read_torch_pickle(pth(data))["a"]
    assert read.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(read, expected.reshape(2, 3))


def test_strides_and_offset_address_the_storage_like_torch(pth):
    data = legacy(
        mapping(
            transposed=tensor(size=(3, 2), stride=(1, 3)),
            tail=tensor(offset=4, size=(2,), stride=(1,)),
            scalar=tensor(offset=5, size=(), stride=()),
            empty=tensor(size=(0, 3), stride=(3, 1)),
        )
    )
    read = read_torch_pickle(pth(data))
    assert list(read) == ["transposed", "tail", "scalar", "empty"]
    np.testing.assert_array_equal(read["transposed"], SIX.reshape(2, 3).T)
    np.testing.assert_array_equal(read["tail"], [4, 5])
    np.testing.assert_array_equal(read["scalar"], 5)
    assert read["empty"].shape == (0, 3)


def test_the_stride_of_a_single_element_does_not_matter(pth):
    data = legacy(mapping(a=tensor(size=(1, 6), stride=(2**62, 1))))
    np.testing.assert_array_equal(read_torch_pickle(pth(data))["a"], SIX.reshape(1, 6))


def test_an_empty_storage_at_the_end_of_the_file(pth):
    source = storage(count=0)
    data = legacy(mapping(a=tensor(source, size=(0,), stride=(1,))), storages=raw(SIX[:0]))
    assert read_torch_pickle(pth(data))["a"].shape == (0,)


def test_storages_come_in_the_order_of_the_key_list(pth):
    saved = mapping(a=tensor(storage("7")), b=tensor(storage("3", count=6)))
    data = legacy(saved, keys=("3", "7"), storages=raw(SIX) + raw(SIX + 10))
    read = read_torch_pickle(pth(data))
    assert read["a"][0, 0] == 10
    assert read["b"][0, 0] == 0


def test_tensors_are_read_only_windows(pth):
    read = read_torch_pickle(pth(legacy(mapping(a=tensor()))))
    assert not read["a"].flags.writeable


def test_version_metadata_on_the_mapping_is_ignored(pth):
    state = EMPTY_DICT + MARK + value("_metadata") + ordered_dict() + SET_ITEMS
    data = legacy(mapping(a=tensor()) + state + b"b")
    assert list(read_torch_pickle(pth(data))) == ["a"]


def test_a_newer_pickle_protocol_is_read_too(pth):
    # As written by `pickle_protocol=4`: framed, short texts, memoized, globals from the stack.
    modern = b"\x8c\x0bcollections\x94\x8c\x0bOrderedDict\x94\x93\x94"
    saved = mapping(a=tensor()).replace(dotted("collections.OrderedDict"), modern)
    frame = b"\x95" + struct.pack("<Q", len(saved) + 1)
    data = legacy(frame + saved)
    np.testing.assert_array_equal(read_torch_pickle(pth(data))["a"], SIX.reshape(2, 3))
