"""Finds ONNX Runtime's execution providers: those of the installed build and those of plugins.

A plugin is a package `onnxruntime-ep-NAME`: its module `onnxruntime_ep_NAME` says where the library
is (`get_library_path`) and which provider it brings (`get_ep_name`), as ONNX Runtime's guide for
plugin execution providers asks. It is loaded only when asked for, by name or by `auto`.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import onnxruntime as ort

from edgefeat.engine.cpu import ORT_ERRORS
from edgefeat.errors import ProviderError
from edgefeat.locks import allocate_lock
from edgefeat.record import Record

__all__ = [
    "Provider",
    "accelerators",
    "find",
    "offered",
    "short",
    "without_device",
]

_PLUGIN_ERRORS: tuple[type[Exception], ...] = (
    ImportError,
    AttributeError,
    OSError,
    *ORT_ERRORS,
)
_SUFFIX = "ExecutionProvider"
_PLUGIN_PREFIX = "onnxruntime_ep_"
# Built-in providers that `auto` tries, best first. Not OpenVINO and the like on the CPU: they are
# no faster there, and integer features from them are not the ones every other CPU gives.
_ACCELERATORS = ("cuda", "migraphx", "rocm", "coreml", "dml", "qnn")
_OPTIONS: dict[str, dict[str, str]] = {
    "cuda": {
        # The default tries every algorithm for every new shape: seconds, for little at batch 1.
        "cudnn_conv_algo_search": "HEURISTIC",
        # The default doubles the arena, on boards whose CPU shares that memory.
        "arena_extend_strategy": "kSameAsRequested",
        # The default rounds fp32 factors to 10 bits: not the features that the CPU gives.
        "use_tf32": "0",
    },
}
_lock = allocate_lock()
_from_plugins: set[str] = set()
"""Full names of the providers that plugins brought to this process. ONNX Runtime keeps them until
the process ends, and lists them as if they were built in."""


class Provider(Record):
    """One execution provider.

    Args:
        name: Short name, such as `cuda`.
        full_name: ONNX Runtime's name for it.
        devices: The devices it may use, if a plugin brought it.
    """

    name: str
    full_name: str
    devices: tuple[Any, ...] = ()

    @property
    def options(self) -> dict[str, str]:
        """Defaults that suit single pictures."""
        return dict(_OPTIONS.get(self.name, {}))

    @property
    def is_accelerator(self) -> bool:
        """Whether it runs on something other than the CPU."""
        if self.devices:
            return any(d.device.type != ort.OrtHardwareDeviceType.CPU for d in self.devices)
        return self.name in _ACCELERATORS


def short(full_name: str) -> str:
    """Return the short name (`cpu`, `cuda`, ...) of ONNX Runtime's name."""
    return full_name.removesuffix(_SUFFIX).lower()


def offered(*, plugins: bool = True) -> dict[str, Provider]:
    """Return every provider there is, by short name; plugins are loaded for it.

    Raises:
        ProviderError: A plugin package is broken.
    """
    found = {
        short(full): Provider(
            name=short(full),
            full_name=full,
            devices=_devices(full) if full in _from_plugins else (),
        )
        for full in ort.get_available_providers()
        if full.endswith(_SUFFIX) and short(full) != "azure"  # that one calls a web service
    }
    if plugins:
        loaded = map(_load_plugin, _plugin_modules())
        found |= {provider.name: provider for provider in loaded if provider.devices}
    return found


def without_device() -> dict[str, str]:
    """Return why each provider whose plugin is installed is still not offered, by short name.

    Raises:
        ProviderError: A plugin package is broken.
    """
    return {
        provider.name: f"its plugin {_package(module)} supports no device of this machine"
        for module in _plugin_modules()
        if not (provider := _load_plugin(module)).devices
    }


def find(names: Sequence[str]) -> list[Provider]:
    """Return the providers of these short names, in order.

    Raises:
        ProviderError: One is neither in the installed ONNX Runtime nor in a plugin.
    """
    wanted = [short(name) for name in names]
    built_in = offered(plugins=False)
    known = built_in if all(name in built_in for name in wanted) else offered()
    if missing := [name for name in wanted if name not in known]:
        raise _missing(missing[0], ", ".join(known))
    return [known[name] for name in wanted]


def accelerators() -> list[Provider]:
    """Return what `auto` tries before the CPU, best first."""
    found = [provider for provider in offered().values() if provider.is_accelerator]
    order = {name: rank for rank, name in enumerate(_ACCELERATORS)}
    return sorted(found, key=lambda provider: order.get(provider.name, -1))


def _plugin_modules() -> list[str]:
    import pkgutil  # only where plugins are asked for: every start would pay

    return sorted(m.name for m in pkgutil.iter_modules() if m.name.startswith(_PLUGIN_PREFIX))


def _load_plugin(module_name: str) -> Provider:
    try:
        module = import_module(module_name)
        full_name: str = module.get_ep_name()
        with _lock:
            if full_name not in _from_plugins:
                ort.register_execution_provider_library(module_name, module.get_library_path())
                _from_plugins.add(full_name)
    except _PLUGIN_ERRORS as error:
        raise ProviderError(
            f"the execution provider plugin {_package(module_name)} cannot be loaded: {error}",
            remedy="Reinstall it, or remove it with pip.",
        ) from error
    return Provider(name=short(full_name), full_name=full_name, devices=_devices(full_name))


def _package(module_name: str) -> str:
    return module_name.replace("_", "-")


def _devices(full_name: str) -> tuple[Any, ...]:
    """Return the plugin devices of a provider; none for what the build itself contains."""
    if not hasattr(ort, "get_ep_devices"):  # onnxruntime before 1.23
        return ()
    return tuple(device for device in ort.get_ep_devices() if device.ep_name == full_name)


def _missing(name: str, others: str) -> ProviderError:
    """Return the error of a provider that is not offered here; `others` are."""
    if why := without_device().get(name):
        return ProviderError(
            f"execution provider {name!r} is not to be had here: {why}",
            remedy=f"Ask for another provider: there is {others}.",
        )
    return ProviderError(
        f"execution provider {name!r} is not in the installed ONNX Runtime, which offers {others}",
        remedy=_remedy(name),
    )


def _remedy(name: str) -> str:
    if name == "cuda":
        return "Replace onnxruntime by its CUDA build, the package onnxruntime-gpu[cuda,cudnn]."
    if name == "openvino":
        return "Install its plugin, the package onnxruntime-ep-openvino."
    return "Install an ONNX Runtime build that has it, or ask for another provider."
