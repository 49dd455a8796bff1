"""Execution providers: what is found, what really runs, and what is said when it does not."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from edgefeat import FeatureExtractor, ProviderError, doctor
from edgefeat.engine import lazy, providers
from edgefeat.engine.lazy import LazySession
from edgefeat.engine.libraries import absent_libraries, how_to_get
from edgefeat.engine.providers import Provider, find, offered
from edgefeat.engine.session import (
    Session,
    _able,
    _refuse_or_warn,
    available_providers,
)
from edgefeat.errors import ProviderWarning
from edgefeat.model.file import read_model_file
from edgefeat.model.shipped import default_model_path
from edgefeat.options.extractor import EngineOptions

BROKEN = """
def get_ep_name():
    return "BrokenExecutionProvider"

def get_library_path():
    return __file__
"""


@pytest.fixture
def broken_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin package whose library is not one."""
    (tmp_path / "onnxruntime_ep_broken.py").write_text(BROKEN)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "onnxruntime_ep_broken", raising=False)


def test_the_cpu_is_always_there_and_no_web_service_is() -> None:
    assert "cpu" in available_providers()
    assert "azure" not in available_providers()


def test_auto_runs_on_something_that_passed() -> None:
    with FeatureExtractor(providers="auto") as extractor:
        assert extractor.self_test()


def test_auto_leaves_a_provider_that_gives_other_bits_than_an_int8_file_promises(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = read_model_file(default_model_path())
    assert file.spec.probe is not None
    probe = replace(file.spec.probe, features_sha256="0" * 64)
    other_bits = replace(file, spec=replace(file.spec, probe=probe))
    monkeypatch.setattr(lazy, "accelerators", lambda: find(["cpu"]))  # stands for a GPU
    session = LazySession(other_bits, EngineOptions(providers=("auto",)), on_unload=lambda: None)
    with pytest.warns(ProviderWarning, match="not the bits that every CPU gives"):
        assert session.get().providers == ("cpu",)


def test_names_may_be_long_or_short() -> None:
    assert find(["CPUExecutionProvider"]) == find(["cpu"]) == [offered(plugins=False)["cpu"]]


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("cuda", "Replace onnxruntime by its CUDA build, the package onnxruntime-gpu[cuda,cudnn]."),
        ("warp", "Install an ONNX Runtime build that has it, or ask for another provider."),
    ],
)
def test_a_missing_provider_says_what_to_do(name: str, remedy: str) -> None:
    there = offered()
    if name in there:  # a CUDA build: then the message is not due
        assert there[name].full_name
        return
    with pytest.raises(ProviderError) as caught:
        FeatureExtractor(providers=[name, "cpu"])
    assert str(caught.value) == (
        f"execution provider {name!r} is not in the installed ONNX Runtime, which offers "
        f"{', '.join(there)}. {remedy}"
    )


def test_cuda_starts_fast_and_computes_in_full_precision() -> None:
    cuda = Provider(name="cuda", full_name="CUDAExecutionProvider")
    assert cuda.is_accelerator
    assert cuda.options == {
        "cudnn_conv_algo_search": "HEURISTIC",
        "arena_extend_strategy": "kSameAsRequested",
        "use_tf32": "0",
    }
    assert Provider(name="cpu", full_name="CPUExecutionProvider").options == {}


def test_nothing_is_looked_for_where_onnx_runtime_has_it_inside(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert absent_libraries(find(["cpu"])) == {}
    assert capsys.readouterr().out == ""


@pytest.fixture
def lacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """A provider within ONNX Runtime, whose library needs `libq.so.6`, which nobody has."""
    library = next(Path(np.__file__).parent.glob("_core/_multiarray_umath*.so")).read_bytes()
    changed = library.replace(b"\0libm.so.6\0", b"\0libq.so.6\0")
    assert changed != library
    (tmp_path / "capi").mkdir()
    (tmp_path / "capi" / "libonnxruntime_providers_warp.so").write_bytes(changed)
    monkeypatch.setattr(onnxruntime, "__file__", str(tmp_path / "__init__.py"))
    return Provider(name="warp", full_name="WarpExecutionProvider")


def test_a_library_that_is_not_here_is_named_and_what_to_do(lacking: Provider) -> None:
    cpu = find(["cpu"])[0]
    assert absent_libraries([lacking, cpu]) == {"warp": "libq.so.6"}
    assert _able([lacking, cpu], strict=False) == ([cpu], "libq.so.6")
    said = "execution provider 'warp' does not run: the library libq.so.6 is not here. Install it"
    for able, end in (([lacking, cpu], "Pass strict=False to accept 'cpu'."), ([lacking], "`.")):
        with pytest.raises(ProviderError) as caught:
            _able(able, strict=True)
        assert str(caught.value).startswith(said)
        assert str(caught.value).endswith(end)


def test_without_nvidias_driver_pip_is_no_help() -> None:
    assert how_to_get("libcuda.so.1") == "Install NVIDIA's driver: `nvidia-smi` must show the GPU."


def test_a_provider_that_does_not_start_is_an_error_or_a_warning() -> None:
    expected = (
        "execution provider 'cuda' does not run: its device or driver is missing, or it supports "
        "no part of this model."
    )
    with pytest.raises(ProviderError) as caught:
        _refuse_or_warn("cuda", "cpu", "", strict=True)
    assert str(caught.value) == f"{expected} Pass strict=False to accept 'cpu'."
    with pytest.warns(ProviderWarning) as warned:
        _refuse_or_warn("cuda", "cpu", "", strict=False)
    assert [str(warning.message) for warning in warned] == [
        f"{expected} The features come from 'cpu'."
    ]


@pytest.mark.usefixtures("broken_plugin")
def test_a_broken_plugin_is_named_and_does_not_disturb_the_cpu() -> None:
    assert FeatureExtractor(providers="cpu").providers == ("cpu",)
    with pytest.raises(ProviderError) as caught:
        find(["broken"])
    assert str(caught.value).startswith(
        "the execution provider plugin onnxruntime-ep-broken cannot be loaded: "
    )
    assert str(caught.value).endswith(". Reinstall it, or remove it with pip.")


@pytest.fixture
def plugin_without_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that ONNX Runtime holds registered, and none of whose devices is here."""
    (tmp_path / "onnxruntime_ep_broken.py").write_text(BROKEN)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "onnxruntime_ep_broken", raising=False)
    monkeypatch.setattr(providers, "_from_plugins", {"BrokenExecutionProvider"})


@pytest.mark.usefixtures("plugin_without_device")
def test_a_plugin_without_a_device_here_says_so() -> None:
    assert "broken" not in offered()
    with pytest.raises(ProviderError) as caught:
        FeatureExtractor(providers=["broken", "cpu"])
    assert str(caught.value) == (
        "execution provider 'broken' is not to be had here: its plugin onnxruntime-ep-broken "
        "supports no device of this machine. Ask for another provider: there is "
        f"{', '.join(offered())}."
    )
    assert doctor.examine().providers[-1] == doctor.ProviderReport(
        name="broken",
        works=False,
        detail="its plugin onnxruntime-ep-broken supports no device of this machine",
    )


@pytest.mark.parametrize(
    "engine",
    [
        EngineOptions(threads=2),
        EngineOptions(threads=2, spinning=True),
        EngineOptions(arena=False),
        EngineOptions(cache=False),
    ],
    ids=["two-threads", "spinning", "no-arena", "no-cache"],
)
def test_engine_options_change_speed_and_memory_only(
    engine: EngineOptions, model_path: Path
) -> None:
    from edgefeat.model.file import read_model_file
    from edgefeat.model.probe import run_probe

    file = read_model_file(model_path)
    results = [
        run_probe(
            file.spec,
            Session(file, providers=["cpu"], strict=True, engine=options).compute,
            where=str(model_path),
        )
        for options in (engine, EngineOptions())
    ]
    assert results[0] == results[1]
