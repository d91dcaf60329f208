"""Writes examples/clients from openapi.json, checks that it is up to date, or runs it against a real server.

`clients write`, `clients --check`, `clients [run]`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tools.clients import bruno, http_file, insomnia
from tools.clients.flow import requests

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "examples/clients"
GENERATED = ("*.json", "*.http", "bruno/**/*.*")


def main(arguments: list[str]) -> int:
    if arguments in ([], ["run"]):
        from tools.clients.running import run  # noqa: PLC0415  its imports start servers; to write files needs none

        return run(TARGET)
    wanted, there = _wanted(), _there()
    if arguments == ["--check"]:
        if wanted != there:
            print("examples/clients: not what openapi.json says now; run ./dev clients write", file=sys.stderr)
        return int(wanted != there)
    if arguments != ["write"]:
        print("usage: ./dev clients [run|write|--check]", file=sys.stderr)
        return 2
    for name in there.keys() - wanted.keys():
        (TARGET / name).unlink()
    for name, text in wanted.items():
        if there.get(name) != text:
            (TARGET / name).parent.mkdir(parents=True, exist_ok=True)
            (TARGET / name).write_text(text, encoding="utf-8")
            print(f"wrote examples/clients/{name}")
    return 0


def _wanted() -> dict[str, str]:
    document = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))
    steps = list(requests(document))
    return {**bruno.files(steps), **insomnia.files(steps), **http_file.files(steps)}


def _there() -> dict[str, str]:
    found = [file for pattern in GENERATED for file in TARGET.glob(pattern)]
    return {str(file.relative_to(TARGET)): file.read_text(encoding="utf-8") for file in found}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
