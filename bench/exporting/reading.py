"""Readers that cost little: psql into nowhere, and a socket that keeps the end of an answer alone."""

from __future__ import annotations

import os
import re
import resource
import socket
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from bench.cluster import libpq_environment
from bench.cpu import PROC, cpu_seconds
from bench.errors import CannotMeasure, WrongAnswers
from bench.processes import Server
from firmtrail_postgres.binaries import find_bin_dir

_BUFFER = 1024 * 1024
_KEPT = 4096
#: as exports have it, so that no way is slower because its join goes through the disk
_WORK_MEM = "-c work_mem=32MB"
_ROWS = re.compile(rb'"end":\{"rows":(\d+),')
_LAST_CHUNK = b"\r\n0\r\n\r\n"

_ROWS_OF_PROJECT: LiteralString = """
          from (
                select device_id, component, period_id, version, first_reported_at, last_reported_at, superseded_at,
                       report_count, recorded_at, project_id
                  from device_firmware_periods
                 union all
                select device_id, component, period_id, version, first_reported_at, last_reported_at, null,
                       report_count, recorded_at, project_id
                  from device_firmware
               ) as periods
          join (select id, name from devices) as devices on devices.id = device_id
         where project_id = {project}
"""
#: the columns of an export, as they are
COPY: LiteralString = f"""
    copy (
        select device_id, name, component, period_id, version, first_reported_at, last_reported_at, superseded_at,
               report_count, recorded_at
          {_ROWS_OF_PROJECT}
    ) to stdout
"""
COUNT: LiteralString = f"select count(*) {_ROWS_OF_PROJECT}"


@dataclass(frozen=True)
class Reading:
    """One export, read to its end."""

    seconds: float
    size: int
    #: None: it is compressed, and not looked into
    rows: int | None
    #: seconds of a core, of each process
    server_cpu: float
    database_cpu: float
    client_cpu: float
    #: by how much the server grew above what it had before, in MiB
    grown: float = 0


def copy_with_psql(url: str, project_id: uuid.UUID, database_pid: int) -> Reading:
    """Let psql copy the rows to /dev/null; it says nothing of how many they are, so they are counted before.

    Raises:
        CannotMeasure: psql is missing or fails.
    """
    project = sql.Literal(project_id)
    with psycopg.connect(url) as conn:
        row = conn.execute(sql.SQL(COUNT).format(project=project)).fetchone()
    command = [find_bin_dir() / "psql", "--no-psqlrc", "--output", os.devnull, "--set", "ON_ERROR_STOP=1"]
    text = sql.SQL(COPY).format(project=project).as_string()
    environment = {**os.environ, **libpq_environment(url)}
    environment["PGOPTIONS"] += f" {_WORK_MEM}"
    before, client, started = cpu_seconds(database_pid), _cpu_of_children(), time.perf_counter()
    done = subprocess.run(command, input=text, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise CannotMeasure(f"psql failed: {done.stderr.strip()}")
    assert row
    return Reading(seconds, 0, row[0], 0, cpu_seconds(database_pid) - before, _cpu_of_children() - client)


def export(server: Server, authorization: str, path: str, headers: dict[str, str], database_pid: int) -> Reading:
    """Read an export.

    Raises:
        WrongAnswers: it is refused, or breaks off.
    """
    _forget_peak(server.pid)
    resident = _status(server.pid, "VmRSS")
    of_server, of_database = cpu_seconds(server.pid), cpu_seconds(database_pid)
    client, started = time.thread_time(), time.perf_counter()
    size, tail = _read(server, authorization, path, headers)
    seconds, client = time.perf_counter() - started, time.thread_time() - client
    found = _ROWS.search(tail)
    if not tail.endswith(_LAST_CHUNK):
        raise WrongAnswers(f"{path} broke off: {tail[-300:]!r}")
    of_server, of_database = cpu_seconds(server.pid) - of_server, cpu_seconds(database_pid) - of_database
    rows, grown = int(found[1]) if found else None, _status(server.pid, "VmHWM") - resident
    return Reading(seconds, size, rows, of_server, of_database, client, grown)


def _read(server: Server, authorization: str, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    address = urlsplit(server.url)
    lines = [f"GET {path} HTTP/1.1", "Host: bench", "Connection: close", authorization]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    size, tail, buffer = 0, b"", bytearray(_BUFFER)
    with socket.create_connection((address.hostname or "", address.port or 0)) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        while length := connection.recv_into(buffer):
            size += length
            tail = (tail + buffer[max(0, length - _KEPT) : length])[-_KEPT:]
    return size, tail


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _status(pid: int, name: str) -> float:
    text = (PROC / str(pid) / "status").read_text(encoding="utf-8")
    found = re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)
    assert found
    return int(found[1]) / 1024


def _forget_peak(pid: int) -> None:
    Path(PROC / str(pid) / "clear_refs").write_text("5", encoding="utf-8")  # proc(5): VmHWM begins anew
