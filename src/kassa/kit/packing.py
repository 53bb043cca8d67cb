"""Compressed answers: gzip, which every browser reads (RFC 9110, 8.4.1.3)."""

import zlib

PAGE_LEVEL = 4
"""Of a page, which is packed for each visitor."""
FILE_LEVEL = 9
"""Of a file, which is packed once."""
_GZIP = 31


def packed(content: bytes, level: int) -> bytes:
    """As a gzip file that says nothing of its time, so that the same is packed the same."""
    packer = zlib.compressobj(level, wbits=_GZIP)
    return packer.compress(content) + packer.flush()


def is_wanted(accepted: str) -> bool:
    """Whether who sends this Accept-Encoding wants gzip (RFC 9110, 12.5.3)."""
    for each in accepted.lower().split(","):
        coding, _, weight = each.replace(" ", "").partition(";q=")
        if coding in ("gzip", "x-gzip"):
            return weight.strip("0.") != "" or weight == ""
    return False
