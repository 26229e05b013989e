"""Callers' texts, kept small: deflated against a dictionary of what such texts repeat.

A request's parameters are mostly the names of its fields, the same for every request: a third of the bytes of
an image. The dictionary must never change; a better one gets the next number, and old texts keep theirs.
"""

from __future__ import annotations

import zlib

_DICTIONARY = (
    b'{"prompt":"a photo of \xe4\xb8\x80\xe5\x8f\xaa","width":1024,"height":1024,"width":768,"height":768,'
    b'"width":512,"height":512,"steps":8,"seed":,"images":1,"guidance":0.0,"negative_prompt":"",'
    b'"quality":"standard","style":null,"private":false}'
)
_NUMBER = b"\x01"


def pack(text: str) -> bytes:
    """The text as bytes to keep."""
    deflate = zlib.compressobj(level=9, wbits=-zlib.MAX_WBITS, zdict=_DICTIONARY)
    return _NUMBER + deflate.compress(text.encode()) + deflate.flush()


def unpack(kept: bytes | str) -> str:
    """What was packed; a text from before there was packing is itself. Raises zlib.error, ValueError."""
    if isinstance(kept, str):
        return kept
    if kept[:1] != _NUMBER:
        raise ValueError(f"packed in a way this version does not know: {kept[:1]!r}")
    inflate = zlib.decompressobj(wbits=-zlib.MAX_WBITS, zdict=_DICTIONARY)
    return (inflate.decompress(kept[1:]) + inflate.flush()).decode()
