"""Which pages the site has, in which order. A page that no chapter has fails the build."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tools.docs.reference import PAGES

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = {
    "Begin": ["What it is <README>", "docs/self-service", "The SDK and the command <packages/sdk/README>"],
    "Ask": ["docs/fleet", "docs/notebooks", "docs/page", "docs/integrations", "docs/testing"],
    "Devices": [
        "The agent's settings <packages/device-agent/README>",
        "docs/agent",
        "docs/agent-sources",
        "docs/two-machines",
    ],
    "Operate": [
        "The server <packages/server/README>",
        "docs/deploy",
        "deploy/terraform/aws/README",
        "docs/settings",
        "docs/secrets",
        "docs/operating",
        "docs/migrations",
        "docs/high-availability",
        "docs/cockroachdb",
        "docs/scale",
    ],
    "Reference of the SDK": PAGES,
    "The project": [
        "ARCHITECTURE",
        "CONTRIBUTING",
        "CHANGELOG",
        "SECURITY",
        "The contract <packages/contract/README>",
        "The embedded PostgreSQL <packages/postgres/README>",
        "examples/clients/README",
        "bench/README",
        "docs/decisions/README",
    ],
    "Figures": sorted(f"bench/results/{page.stem}" for page in (ROOT / "bench/results").glob("*.md")),
    "Decisions": sorted(f"docs/decisions/{page.stem}" for page in (ROOT / "docs/decisions").glob("[0-9]*.md")),
}


def index() -> str:
    """Write the first page: the menu, a chapter after the other."""
    return "\n".join(["Firmtrail", "=========", "", "What every device runs, and what it ran.", "", *_menus()])


def _menus() -> Iterator[str]:
    for chapter, pages in CHAPTERS.items():
        yield from (".. toctree::", "   :maxdepth: 1", f"   :caption: {chapter}", "")
        yield from (f"   {page}" for page in pages)
        yield ""
