"""What `import firmtrail_contract` gives, and what it leaves for later."""

from __future__ import annotations

import subprocess
import sys

import pytest

import firmtrail_contract


def nouns_after(statement: str) -> set[str]:
    """The modules of the contract that a new interpreter has loaded."""
    script = f"import sys; {statement}; print(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    return {name.removeprefix("firmtrail_contract.") for name in output.split() if "firmtrail_contract." in name}


@pytest.mark.parametrize("name", firmtrail_contract.__all__)
def test_every_exported_name_exists(name: str) -> None:
    assert getattr(firmtrail_contract, name) is not None


def test_a_star_and_dir_give_the_exported_names() -> None:
    names: dict[str, object] = {}
    exec("from firmtrail_contract import *", names)

    assert names.keys() - {"__builtins__"} == {*firmtrail_contract.__all__} == {*dir(firmtrail_contract)}


def test_every_name_that_can_be_imported_is_exported() -> None:
    assert {*firmtrail_contract.__all__} == firmtrail_contract._MODULES.keys()  # pyright: ignore[reportPrivateUsage]


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Devcie"):
        firmtrail_contract.Devcie  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]  the point


def test_a_model_brings_only_what_it_is_made_of() -> None:
    assert nouns_after("from firmtrail_contract import ObservationRecord") == {"observations", "limits", "blanks"}
