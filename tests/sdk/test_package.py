"""What `import firmtrail` gives, and what it costs."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import firmtrail
from firmtrail import errors
from firmtrail._version import __version__

SOURCE = Path(__file__).parents[2] / "packages/sdk/src/firmtrail"


def modules_after(statement: str) -> set[str]:
    """The top-level modules that a new interpreter has loaded."""
    script = f"import sys; {statement}; print(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    return {name.partition(".")[0] for name in output.split()}


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = {"httpx", "httpcore", "cattrs", "attrs", "attr", "asyncio", "ssl", "firmtrail_contract"}

    assert not heavy & modules_after("import firmtrail")


def test_making_a_client_imports_no_server_and_no_frames() -> None:
    heavy = {"aiohttp", "psycopg", "pandas", "polars", "pyarrow", "matplotlib", "firmtrail_server"}

    assert not heavy & modules_after("import firmtrail; firmtrail.Client('http://127.0.0.1')")


def test_a_client_imports_only_what_is_asked_of_it() -> None:
    script = "import firmtrail, sys; firmtrail.AsyncClient('http://127.0.0.1').firmware; print(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    loaded = {*output.split()}

    assert "firmtrail._async.firmware" in loaded
    assert not loaded & {"firmtrail._async.users", "firmtrail_contract.users", "firmtrail_contract.devices"}
    assert not loaded & {"firmtrail._gateways", "firmtrail_contract.gateways", "firmtrail_contract.oauth"}


@pytest.mark.parametrize("name", firmtrail.__all__)
def test_every_exported_name_exists(name: str) -> None:
    assert getattr(firmtrail, name).__name__ == name


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Cleint"):
        firmtrail.Cleint  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]  the point


def test_the_errors_module_needs_no_import_of_its_own() -> None:
    assert "firmtrail_contract" in modules_after("import firmtrail; firmtrail.errors.ApiError")


def test_every_error_class_is_exported() -> None:
    classes = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, errors.FirmtrailError)
    }

    assert classes <= set(firmtrail.__all__)


@pytest.mark.parametrize("name", ["Client", "AsyncClient", "Pager", "AsyncPager", "Firmware", "AsyncFirmware"])
def test_no_public_signature_shows_the_http_library(name: str) -> None:
    kinds = {
        "Firmware": type(firmtrail.Client("http://127.0.0.1").firmware),
        "AsyncFirmware": type(firmtrail.AsyncClient("http://127.0.0.1").firmware),
    }
    kind = kinds.get(name) or getattr(firmtrail, name)
    signatures = [str(inspect.signature(function)) for _, function in inspect.getmembers(kind, inspect.isfunction)]

    assert signatures
    assert not [signature for signature in signatures if "httpx" in signature or "httpcore" in signature]


def test_one_module_imports_httpx() -> None:
    kit = SOURCE / "testing"  # answers httpx
    found = [path.name for path in SOURCE.rglob("*.py") if "httpx" in imported(path) and kit not in path.parents]

    assert found == ["_http.py"]


def imported(path: Path) -> set[str]:
    """The top-level names of the modules that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


def test_the_sync_half_is_not_async() -> None:
    text = "".join(path.read_text() for path in (SOURCE / "_sync").glob("*.py"))

    assert "async" not in text.lower().replace("generated from the async ones", "")
    assert "await" not in text


def test_the_version_in_the_code_is_that_of_the_package() -> None:
    assert version("firmtrail") == __version__
