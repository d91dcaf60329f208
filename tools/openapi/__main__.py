"""Write the reference of the API into the server's package; with --check, only say whether it is up to date."""

from __future__ import annotations

import sys
from pathlib import Path

from firmtrail_server.routes import ROUTES
from tools.openapi.document import as_text, document
from tools.openapi.page import page

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "packages/server/src/firmtrail_server/http/documents"


def main(arguments: list[str]) -> int:
    wanted = {"openapi.json": as_text(ROUTES), "docs.html": page(document(ROUTES))}
    stale = [name for name, text in wanted.items() if _read(TARGET / name) != text]
    if arguments == ["--check"]:
        if stale:
            print(f"{' and '.join(stale)}: not what the routes say now; run ./dev openapi", file=sys.stderr)
        return int(bool(stale))
    for name in stale:
        (TARGET / name).write_text(wanted[name], encoding="utf-8")
        print(f"wrote {(TARGET / name).relative_to(ROOT)}")
    return 0


def _read(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.exists() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
