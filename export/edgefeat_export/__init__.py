"""Export stage: a Keras backbone becomes one self-describing ONNX file.

    from edgefeat_export import build, bundle, levels, quantize, verify

    built = build("efficientnet_lite0", "models")
    built.files[0].path, built.files[0].parities["features"].cosine_mean

The `edgefeat-export` commands are these functions. Names are resolved on first use: importing this
package loads neither TensorFlow nor ONNX. `BACKBONES` lists what `build` knows by name.
"""

from edgefeat_export.errors import (
    BackboneError,
    ConversionError,
    ExportError,
    VerificationError,
)

TYPE_CHECKING = False  # for type checkers
if TYPE_CHECKING:
    from edgefeat_export.attaching.attach import attach
    from edgefeat_export.networks.catalogue import BACKBONES
    from edgefeat_export.networks.request import NetworkRequest
    from edgefeat_export.pipeline.build import build
    from edgefeat_export.pipeline.bundle import bundle
    from edgefeat_export.pipeline.levels import levels
    from edgefeat_export.pipeline.quantize import quantize
    from edgefeat_export.pipeline.summary import summary
    from edgefeat_export.pipeline.verify import verify

__version__ = "0.1.0"
__all__ = [
    "BACKBONES",
    "BackboneError",
    "ConversionError",
    "ExportError",
    "NetworkRequest",
    "VerificationError",
    "__version__",
    "attach",
    "build",
    "bundle",
    "levels",
    "quantize",
    "summary",
    "verify",
]

_HOMES = {
    "BACKBONES": "edgefeat_export.networks.catalogue",
    "NetworkRequest": "edgefeat_export.networks.request",
    "attach": "edgefeat_export.attaching.attach",
    "build": "edgefeat_export.pipeline.build",
    "bundle": "edgefeat_export.pipeline.bundle",
    "levels": "edgefeat_export.pipeline.levels",
    "quantize": "edgefeat_export.pipeline.quantize",
    "summary": "edgefeat_export.pipeline.summary",
    "verify": "edgefeat_export.pipeline.verify",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'edgefeat_export' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
