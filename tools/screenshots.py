"""Pictures of the pages for docs/page.md: `screenshots.py [DIRECTORY]`. It starts the demo, and needs Chromium."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = os.environ.get("FIRMTRAIL_BROWSER") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
DESKTOP, PHONE = (1280, 800), (390, 844)
_LINK = re.compile(r"http://\S+/sign-in/link\?\S+")
Scheme = Literal["light", "dark"]


def main(arguments: list[str]) -> int:
    if PROGRAM is None:
        print("screenshots: needs Chromium: apt-get install chromium, or FIRMTRAIL_BROWSER", file=sys.stderr)
        return 1
    folder = Path(arguments[0]) if arguments else ROOT / "docs" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    with _demo() as link, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=FLAGS)
        _photograph(browser, link, folder)
        browser.close()
    return 0


@contextmanager
def _demo() -> Generator[str]:
    """Run ./dev run on a folder of its own, and give the link that it ends with."""
    with tempfile.TemporaryDirectory(prefix="firmtrail-pictures-") as folder:
        Path(folder).chmod(0o755)
        command = [sys.executable, ROOT / "tools/run.py", "--port", "0", "--data-dir", Path(folder) / "data"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, process_group=0) as demo:
            try:
                yield _link_of(demo)
            finally:
                demo.terminate()


def _link_of(demo: subprocess.Popen[str]) -> str:
    assert demo.stdout is not None
    for line in demo.stdout:
        if found := _LINK.search(line):
            return found[0]
    raise RuntimeError("The demo ended without a link to its page.")


def _photograph(browser: Browser, link: str, folder: Path) -> None:
    light, dark = _page(browser, "light"), _page(browser, "dark")
    light.goto(link)  # it works once: the other window takes over the session
    dark.context.add_cookies(light.context.cookies())  # pyright: ignore[reportArgumentType]  what it gave it takes
    light.click("main table a.strong")
    fleet = light.url
    light.goto(f"{fleet}?labels=model")  # without the machine that the demo runs on
    _keep(light, folder / "fleet.png")
    then = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=130)
    dark.goto(f"{fleet}?labels=model&at={then}")
    _keep(dark, folder / "fleet-then-dark.png")
    light.goto(f"{fleet}/devices?labels=site%3Dberlin&version=1.*")
    _keep(light, folder / "devices.png")
    light.click("text=berlin-22")
    light.locator(".lane a").nth(3).hover()
    _keep(light, folder / "device.png")
    for name in ("keys", "desired_versions", "audit"):
        light.goto(f"{fleet}/{name}")
        _keep(light, folder / f"{name}.png")
    light.goto(f"{fleet}/webhooks")
    light.fill("input[name=url]", "https://alerts.example.com/firmware")
    light.fill("input[name=label]", "alerts")
    light.click("text=Make the webhook")
    light.click("text=To the webhook")
    _keep(light, folder / "webhook.png")
    light.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    light.goto(f"{fleet}?labels=model")
    _keep(light, folder / "fleet-phone.png")


def _page(browser: Browser, scheme: Scheme) -> Page:
    size = {"width": DESKTOP[0], "height": DESKTOP[1]}
    return browser.new_context(viewport=size, color_scheme=scheme).new_page()  # pyright: ignore[reportArgumentType]


def _keep(page: Page, file: Path) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=file)
    print(f"{file.name}: {file.stat().st_size // 1024} kB")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
