"""Takes passwords out of URLs and of texts that quote them."""

from __future__ import annotations

import re

__all__ = ["redact"]

# From the scheme to the last @ of the word: a password may itself hold @, : or /.
_USER = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)[^\s'\"`<>]*@")
# Cameras take passwords as query values under any name, so no value is shown.
_QUERY = re.compile(r"(?P<name>[?&;][^\s=&;'\"`<>]*=)[^\s&;'\"`<>]+")
# ... and in paths: rtsp://host/user=admin&password=x&channel=1.sdp
_NAMED = re.compile(
    r"(?P<name>(?:user|username|pass|passwd|password|pwd|token|secret|auth|api_?key)=)"
    r"[^\s&;/'\"`<>]+",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """Return a text with user names, passwords and query values of its URLs as `***`."""
    if "://" not in text:
        return text
    text = _USER.sub(r"\g<scheme>***@", text)
    return _NAMED.sub(r"\g<name>***", _QUERY.sub(r"\g<name>***", text))
