"""An extractor's options: which vector a model gives, and how it runs on this machine."""

from __future__ import annotations

import os
from collections.abc import Sequence

from edgefeat.errors import OptionError
from edgefeat.model.spec import DecodePolicy
from edgefeat.options.checks import number, switch, whole_number
from edgefeat.options.option import Options, member_of, number_from, option, whole_from

__all__ = [
    "ALL_OUTPUTS",
    "AUTO",
    "DEFAULT_MAX_PIXELS",
    "EngineOptions",
    "ModelOptions",
]

AUTO = "auto"
"""As the only provider: the first accelerator that passes the model's self-test, else the CPU."""

ALL_OUTPUTS = "all"
"""In the place of names: every output of the model."""

DEFAULT_MAX_PIXELS = 100_000_000


def _path(name: str, value: object) -> str | bytes:
    """Return a path, or a file's own bytes as they are."""
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    if isinstance(value, str | os.PathLike):
        path = os.fspath(value)
        if isinstance(path, str):
            return path
    raise OptionError(f"expected a path or a file's bytes, got {value!r}", option=name)


def _text_path(name: str, value: object) -> str:
    path = _path(name, value)
    if isinstance(path, str):
        return path
    raise OptionError("expected a path or a key's text, got bytes", option=name)


def _names(name: str, value: object, *, example: str) -> tuple[str, ...]:
    """Return names given as a sequence, or as one text with commas between them."""
    parts: object = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, Sequence) or not all(isinstance(part, str) for part in parts):
        raise OptionError(f"expected names, such as {example!r}, got {value!r}", option=name)
    names = tuple(part.strip() for part in parts)
    if not names or not all(names):
        raise OptionError(f"expected names, such as {example!r}, got {value!r}", option=name)
    if len(set(names)) < len(names):
        raise OptionError(f"expected each name once, got {value!r}", option=name)
    return names


def _provider_names(name: str, value: object) -> tuple[str, ...]:
    names = _names(name, value, example="cuda,cpu")
    if AUTO in names and len(names) > 1:
        raise OptionError(
            f"{AUTO!r} stands alone: it tries every accelerator, and takes the CPU if none works",
            option=name,
        )
    return names


def _output_names(name: str, value: object) -> tuple[str, ...]:
    names = _names(name, value, example="features,block_6")
    if ALL_OUTPUTS in names and len(names) > 1:
        raise OptionError(
            f"{ALL_OUTPUTS!r} takes every output and stands alone, got {','.join(names)!r}",
            option=name,
            remedy="Name the outputs, or only 'all'.",
        )
    return names


class ModelOptions(Options):
    """Which model, what is read of a picture, and which vector comes of it."""

    model: str | bytes | None = option(
        None,
        "model file (default: the one shipped with edgefeat)",
        check=_path,
        metavar="FILE",
    )
    outputs: tuple[str, ...] | None = option(
        None,
        "outputs of the model whose numbers make the vector, side by side, such as "
        "features,block_6, or all (default: the first output)",
        check=_output_names,
        metavar="NAMES",
    )
    normalize: bool = option(False, "scale every vector to unit length", check=switch)
    decode: DecodePolicy | None = option(
        None,
        "how large JPEGs are decoded: full, or reduced to what the model needs (default: as the "
        "model says)",
        check=member_of(DecodePolicy),
        metavar="SIZE",
    )
    max_pixels: int = option(
        DEFAULT_MAX_PIXELS,
        "refuse pictures that claim more pixels, before they are decoded",
        check=whole_number,
        read=whole_from,
        metavar="N",
    )
    any_operator: bool = option(
        False,
        "trust a model file with operators that edgefeat-export does not write",
        check=switch,
    )
    verify_key: str | None = option(
        None,
        "open a model file only if this key signed it: the public key of minisign, signify or "
        "OpenSSL, as a file or as minisign prints it (default: EDGEFEAT_VERIFY_KEY, if it is set)",
        check=_text_path,
        metavar="KEY",
    )
    signature: str | bytes | None = option(
        None,
        "the model file's signature (default: the file beside it that ends in .minisig or .sig)",
        check=_path,
        metavar="FILE",
    )
    max_text: int | None = option(
        None,
        "characters that a text in a row may have; longer ones are refused (default: as the model "
        "says)",
        check=whole_number,
        read=whole_from,
        metavar="N",
    )

    @property
    def path(self) -> str | None:
        """The model's path; None for the shipped one.

        Raises:
            OptionError: The model was given as bytes.
        """
        if isinstance(self.model, bytes):
            raise OptionError("expected a path, got a file's bytes", option="model")
        return self.model


class EngineOptions(Options):
    """How the inference engine uses this machine: providers, threads and memory."""

    providers: tuple[str, ...] = option(
        ("cpu",),
        "execution providers by preference, such as cuda,cpu; auto takes the first accelerator "
        "that passes the model's self-test, else the CPU",
        check=_provider_names,
        metavar="LIST",
    )
    strict: bool = option(
        True,
        "accept a less preferred provider, with a warning, where the first is installed but does "
        "not start",
        check=switch,
    )
    threads: int = option(
        1,
        "threads inside one inference; two pictures at once, each on one thread, are faster than "
        "one picture on two",
        check=whole_number,
        read=whole_from,
        metavar="N",
    )
    spinning: bool = option(
        False,
        "let idle threads burn their core to wake faster, on a device that does nothing else: "
        "beside another busy process it is several times slower",
        check=switch,
        flag=False,
    )
    arena: bool = option(
        True,
        "give memory back after each inference, which makes each about 5 % slower",
        check=switch,
        flag=False,
    )
    cache: bool = option(
        True,
        "keep no optimised form of the model on disk for the next start",
        check=switch,
        flag=False,
    )
    idle_unload_s: float | None = option(
        None,
        "seconds without a picture after which the model's memory is given back; the next picture "
        "opens it again, which takes some 30 ms (default: never)",
        check=number,
        read=number_from,
        metavar="S",
        flag=False,
    )
