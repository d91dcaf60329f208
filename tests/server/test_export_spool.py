"""Where a stretch lies until it is sent."""

from __future__ import annotations

import os
import tempfile

import pytest

from firmtrail_server.exports.spool import IN_MEMORY_BYTES, open_spool


@pytest.mark.parametrize("block", [b"the same again " * 100_000, os.urandom(IN_MEMORY_BYTES + 1)])
def test_a_spool_gives_back_what_was_written(block: bytes) -> None:
    with open_spool() as spool:
        spool.write(block)
        spool.write(b"the end")
        spool.rewind()

        pieces = list(iter(lambda: spool.read(256 * 1024), b""))

    assert b"".join(pieces) == block + b"the end"
    assert len(pieces[0]) <= 256 * 1024


def test_a_spool_of_a_stretch_needs_no_writable_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with open_spool() as spool:
        spool.write(b'{"device_id":"x"}\n' * 250_000)
        spool.rewind()

        assert spool.read(1024)
