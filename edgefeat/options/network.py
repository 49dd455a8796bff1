"""The options of a network camera: how it is reached, and how far it is trusted."""

from __future__ import annotations

from enum import StrEnum

from edgefeat.errors import OptionError
from edgefeat.options.checks import switch
from edgefeat.options.option import Options, member_of, option

__all__ = ["NetworkOptions", "RtspTransport"]


class RtspTransport(StrEnum):
    """How RTSP video travels, by FFmpeg's names."""

    TCP = "tcp"
    UDP = "udp"
    UDP_MULTICAST = "udp_multicast"
    HTTP = "http"


def _path(name: str, value: object) -> str:
    text = str(value)
    if not text:
        raise OptionError("expected the path of a file, got an empty text", option=name)
    return text


class NetworkOptions(Options):
    """How a network camera is reached, and how far it is trusted."""

    cacert: str | None = option(
        None,
        "trust a camera whose TLS certificate is in this PEM file, or is signed by one in it "
        "(default: the system's authorities)",
        check=_path,
        metavar="FILE",
    )
    insecure: bool = option(
        False,
        "take any TLS certificate: whoever is on the way can read and change everything",
        check=switch,
    )

    rtsp_transport: RtspTransport | None = option(
        None,
        "how RTSP video travels: tcp, udp, udp_multicast or http (default: tcp, which loses no "
        "packet)",
        check=member_of(RtspTransport),
        metavar="NAME",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cacert is not None and self.insecure:
            raise OptionError("does not go with insecure. Give one", option="cacert")
