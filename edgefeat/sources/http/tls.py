"""The one rule for TLS: who is trusted, by Python's connections and by FFmpeg's.

A certificate must be signed by a trusted authority and must be for the host that was asked, unless
`insecure` says otherwise. FFmpeg compares no names, so it opens a host only after we have seen the
host's certificate ourselves (`check`).
"""

from __future__ import annotations

import os
import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from edgefeat.errors import OptionError, SourceError
from edgefeat.options.network import NetworkOptions

__all__ = ["Tls", "explain"]

# Where the authorities of Linux distributions and BSDs stand in one file, which FFmpeg needs.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_PORTS = {"https": 443, "rtsps": 322}
_WRONG_NAME = (62, 63, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, of an e-mail, of an IP address


class Tls:
    """Trust in cameras.

    Args:
        options: What the user says of it.

    Raises:
        OptionError: The file of certificates cannot be used.
    """

    def __init__(self, options: NetworkOptions) -> None:
        self.options = options
        try:
            self.context = ssl.create_default_context(cafile=options.cacert)
        except OSError as error:  # SSLError is one too
            raise OptionError(
                f"expected a PEM file of certificates, got {options.cacert!r}: {_words(error)}",
                option="cacert",
            ) from None
        if options.insecure:
            self.context.check_hostname = False
            self.context.verify_mode = ssl.CERT_NONE

    def notice(self, url: str) -> str | None:
        """Return what to say about the trust in a place; None if there is nothing special."""
        if self.options.insecure and urlsplit(url).scheme.lower() in _PORTS:
            return "the camera's certificate is not checked: anybody on the way can be the camera"
        return None

    def ffmpeg_options(self) -> dict[str, str]:
        """Return FFmpeg's options for the same trust, but for the name in the certificate."""
        if self.options.insecure:
            return {"tls_verify": "0"}
        found = {"tls_verify": "1"}
        stated = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
        for path in (self.options.cacert, stated, *_BUNDLES):
            if path is not None and Path(path).is_file():
                return found | {"ca_file": path}
        return found

    def check(self, url: str, name: str, timeout_s: float) -> None:
        """Look at the certificate of a place before FFmpeg goes there; others are let through.

        Args:
            url: Address of the place.
            name: What messages call it, without a password.
            timeout_s: Longest wait for its answer.

        Raises:
            SourceError: It is not trusted, or nobody answers.
        """
        parts = urlsplit(url)
        if parts.scheme.lower() not in _PORTS or self.options.insecure:
            return
        place = parts.hostname or "", parts.port or _PORTS[parts.scheme.lower()]
        try:
            with (
                socket.create_connection(place, timeout_s) as plain,
                self.context.wrap_socket(plain, server_hostname=place[0]),
            ):
                return
        except (OSError, ValueError) as error:
            explained = explain(error, name, timeout_s)
        raise explained  # outside: what the libraries say may quote the URL


def explain(error: Exception, name: str, timeout_s: float) -> SourceError:
    """Return what went wrong on the way to a camera, without what may quote its URL.

    Args:
        error: What a socket, TLS or HTTP raised.
        name: What the source is called.
        timeout_s: The time limit.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        problem = f"the certificate is not trusted: {error.verify_message.partition(',')[0]}"
        if error.verify_code in _WRONG_NAME:
            remedy = "Use the host's name as the certificate has it, or take any with {option}."
            return SourceError(problem, where=name, remedy=remedy, option="insecure=True")
        remedy = "Name the certificate of the camera, or of who signed it, with {option}."
        return SourceError(problem, where=name, remedy=remedy, option="cacert")
    if isinstance(error, TimeoutError):
        problem = f"no answer in {timeout_s:g} s"
        return SourceError(problem, where=name, remedy="Is the camera on?")
    if isinstance(error, ssl.SSLError):
        remedy = "Does the camera speak TLS on this port?"
        return SourceError(f"TLS failed: {_words(error)}", where=name, remedy=remedy)
    problem = f"cannot connect: {_words(error)}"
    return SourceError(problem, where=name, remedy="Check the URL.")


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
