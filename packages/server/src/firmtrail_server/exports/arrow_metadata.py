"""A record batch without rows that carries metadata, a message of Arrow's stream format: nanoarrow writes none, pure.

The message is a flatbuffer, laid out from its root down, since offsets to values count forward:
https://flatbuffers.dev/internals, https://github.com/apache/arrow/blob/main/format/Message.fbs
"""

from __future__ import annotations

import struct

_CONTINUATION = b"\xff\xff\xff\xff"
_VERSION_5, _RECORD_BATCH = 4, 3
#: of a field node and of a buffer: two numbers, which are 0 here
_STRUCT_BYTES = 16


def metadata_message(key: bytes, value: bytes, *, columns: int, buffers: int) -> bytes:
    """Write a batch of no rows in so many columns, which have so many buffers."""
    root = struct.pack("<I", 20)
    fields_of_message = struct.pack("<7H2x", 14, 16, 12, 14, 4, 0, 8)
    fields_of_batch = struct.pack("<5H2x", 10, 12, 0, 4, 8)
    nodes = _vector(columns, bytes(_STRUCT_BYTES * columns)) + bytes(
        4
    )  # the next vector's numbers lie at a multiple of 8
    places = _vector(buffers, bytes(_STRUCT_BYTES * buffers))
    #: offsets count from where they stand: first in `message` and `batch`, then up to what they lead to
    batch = struct.pack("<iII", 12, 8, 4 + len(nodes))
    message = struct.pack("<iIIhBx", 16, 24, 32 + len(nodes) + len(places), _VERSION_5, _RECORD_BATCH)
    text = _text(key)
    pair = struct.pack("<4H", 8, 12, 4, 8) + struct.pack("<iII", 8, 8, 4 + len(text)) + text + _text(value)
    pairs = struct.pack("<II", 1, 12)
    metadata = root + fields_of_message + message + fields_of_batch + batch + nodes + places + pairs + pair
    metadata += bytes(-len(metadata) % 8)
    return _CONTINUATION + struct.pack("<i", len(metadata)) + metadata


def _vector(length: int, content: bytes) -> bytes:
    return struct.pack("<I", length) + content


def _text(value: bytes) -> bytes:
    """A string ends with a zero, and with the padding of what follows."""
    content = _vector(len(value), value + b"\0")
    return content + bytes(-len(content) % 4)
