"""The notebooks, executed from top to bottom on the demo's fleet: `./dev examples` runs this beside the tests.

With FIRMTRAIL_WRITE_PICTURES=1 their pictures are written into examples/pictures.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import jupytext  # pyright: ignore[reportMissingTypeStubs]
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "examples/notebooks").glob("*.py"))
PICTURES = ROOT / "examples/pictures"
#: a picture in the repository is small
MAX_BYTES = 60_000


@pytest.mark.filterwarnings("ignore")  # of the libraries that run notebooks
async def test_every_notebook_runs_from_top_to_bottom(fleet: dict[str, str]) -> None:
    """One fleet for all of them: they only read."""
    for file in NOTEBOOKS:
        notebook = read(file)
        await NotebookClient(notebook, timeout=120, kernel_name="python3").async_execute(env=fleet)
        pictures = pictures_of(notebook)
        if os.environ.get("FIRMTRAIL_WRITE_PICTURES"):
            write(file.stem, pictures)
        committed = [path.name for path in PICTURES.iterdir() if path.name.startswith(f"{file.stem}-")]
        assert sorted(committed) == [f"{file.stem}-{number}.png" for number in range(1, len(pictures) + 1)]


def read(file: Path) -> Any:
    return jupytext.read(file)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def pictures_of(notebook: Any) -> list[bytes]:
    """Every picture that a cell has drawn, in order."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [base64.b64decode(one.data["image/png"]) for one in outputs if "image/png" in one.get("data", {})]


def write(name: str, pictures: list[bytes]) -> None:
    for number, picture in enumerate(pictures, start=1):
        (PICTURES / f"{name}-{number}.png").write_bytes(picture)


def test_the_pictures_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in PICTURES.glob("*.png")}

    assert sizes
    assert {name for name, size in sizes.items() if size > MAX_BYTES} == set()
