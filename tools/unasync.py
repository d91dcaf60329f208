"""Write firmtrail/_sync from firmtrail/_async; with --check, only say whether it is up to date."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "packages/sdk/src/firmtrail/_async"
TARGET = SOURCE.with_name("_sync")
RULES = [
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bfirmtrail\._async\b", "firmtrail._sync"),
    (r"\b__a(enter|exit|iter)__\b", r"__\1__"),
    (r"\baclose\b", "close"),
    (r"\baiter_raw\b", "iter_raw"),
    (r"\ba(closing|next)\b", r"\1"),
    (r"\bnew_async_transport\b", "new_transport"),
    (r"\bhandle_async_request\b", "handle_request"),
    (r"\basync_(ends_after|in_thread|sleep)\b", r"\1"),
    (r"\bAsync([A-Z]\w*)", r"\1"),
    (r"written here as async and generated from here as sync", "generated from the async ones"),
]


def unasync(text: str) -> str:
    for pattern, replacement in RULES:
        text = re.sub(pattern, replacement, text)
    return _formatted(text)


def _formatted(text: str) -> str:
    for command in (["check", "--fix", "--unsafe-fixes", "--quiet", "--select", "C416,I,UP028"], ["format", "--quiet"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(TARGET / "x.py"), "-"]
        text = subprocess.run(ruff, input=text, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    return text


def main(*, check: bool) -> int:
    wanted = {path.name: unasync(path.read_text(encoding="utf-8")) for path in sorted(SOURCE.glob("*.py"))}
    found = {path.name: path.read_text(encoding="utf-8") for path in TARGET.glob("*.py")}
    if wanted == found:
        print("firmtrail/_sync is up to date")
        return 0
    if check:
        print("firmtrail/_sync is out of date; run: ./dev unasync")
        return 1
    TARGET.mkdir(exist_ok=True)
    for name in found.keys() - wanted.keys():
        (TARGET / name).unlink()
    for name, text in wanted.items():
        (TARGET / name).write_text(text, encoding="utf-8")
    print(f"wrote {len(wanted)} modules of firmtrail/_sync")
    return 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv))
