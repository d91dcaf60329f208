"""Write openapi.json from the routes."""

from __future__ import annotations

from pathlib import Path

from firmtrail_server import openapi
from firmtrail_server.routes import ROUTES

FILE = Path(__file__).parent.parent / "openapi.json"

if __name__ == "__main__":
    FILE.write_text(openapi.as_text(ROUTES), encoding="utf-8")
    print(f"wrote {FILE.name}")
