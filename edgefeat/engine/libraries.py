"""The shared libraries that ONNX Runtime's own accelerators need, and what is said without them.

Asked for a provider whose libraries are not here, ONNX Runtime writes lines of its own on stderr
and runs something else. So they are looked for before it is asked.
"""

from __future__ import annotations

import ctypes
import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

import onnxruntime as ort

from edgefeat.engine.providers import Provider

__all__ = ["absent_libraries", "how_to_get"]

_DRIVER = "libcuda.so.1"


def absent_libraries(wanted: Sequence[Provider]) -> dict[str, str]:
    """Return the first library that is not here, for each provider that lacks one.

    CUDA's libraries are loaded from where pip has installed them: ONNX Runtime does not look there.
    """
    if any(provider.name in ("cuda", "tensorrt") for provider in wanted):
        _load_those_of_pip()
    absent = {provider.name: _absent(provider) for provider in wanted if not provider.devices}
    return {name: library for name, library in absent.items() if library}


def how_to_get(library: str) -> str:
    """Return what the user can do about a library that is not here."""
    if library == _DRIVER:
        return "Install NVIDIA's driver: `nvidia-smi` must show the GPU."
    return (
        "Install it; the libraries of CUDA come with `pip install 'onnxruntime-gpu[cuda,cudnn]'`."
    )


def _load_those_of_pip() -> None:
    if not hasattr(ort, "preload_dlls"):  # onnxruntime before 1.21
        return
    with redirect_stdout(io.StringIO()):  # it tells there which ones it did not find
        ort.preload_dlls()


def _absent(provider: Provider) -> str:
    path = Path(ort.__file__).parent / "capi" / f"libonnxruntime_providers_{provider.name}.so"
    if not path.is_file():  # it is within ONNX Runtime itself
        return ""
    try:
        ctypes.CDLL(str(path))
    except OSError as error:
        library, _, why = str(error).partition(": ")
        # Anything else, such as a symbol that ONNX Runtime would bring, is for it to judge.
        return library if why.startswith("cannot open shared object file") else ""
    return ""
