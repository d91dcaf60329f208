"""Arrow's C stream interface: record batches of a driver, read while other threads go on.

nanoarrow's own iterator keeps Python's lock while it waits for the database, which would stop the whole server. A call
through ctypes lets go of it. Needs the extra `arrow`.

https://arrow.apache.org/docs/format/CStreamInterface.html
"""

from __future__ import annotations

from collections.abc import Generator
from ctypes import CFUNCTYPE, Structure, c_char_p, c_int, c_void_p
from importlib import import_module
from typing import Any


class ArrowStreamBroken(Exception):
    """The driver could not go on."""


class _ArrowArrayStream(Structure):
    _fields_ = (
        ("get_schema", CFUNCTYPE(c_int, c_void_p, c_void_p)),
        ("get_next", CFUNCTYPE(c_int, c_void_p, c_void_p)),
        ("get_last_error", CFUNCTYPE(c_char_p, c_void_p)),
    )


def batches_of(stream: Any) -> Generator[Any]:
    """Give nanoarrow's arrays; `stream` is what the driver manager returns, and is released.

    Raises:
        ArrowStreamBroken: there are no more, and that was not the end.
    """
    arrays, schemas = import_module("nanoarrow.c_array"), import_module("nanoarrow.c_schema")
    functions, schema = _ArrowArrayStream.from_address(stream.address), schemas.allocate_c_schema()
    try:
        _check(functions.get_schema(stream.address, schema._addr()), functions, stream)  # noqa: SLF001  as documented
        while True:
            batch = arrays.allocate_c_array(schema)
            _check(functions.get_next(stream.address, batch._addr()), functions, stream)  # noqa: SLF001  as documented
            if not batch.is_valid():  # so is the end said
                return
            yield batch
    finally:
        stream.release()


def _check(code: int, functions: _ArrowArrayStream, stream: Any) -> None:
    if code:
        raise ArrowStreamBroken((functions.get_last_error(stream.address) or b"").decode(errors="replace"))
