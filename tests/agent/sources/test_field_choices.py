"""A version that stays while the image changes, or is not there at all: the configuration says what to take."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from firmtrail_agent.sources.builtin.bootc import Bootc
from firmtrail_agent.sources.builtin.os_release import OsRelease
from firmtrail_agent.sources.builtin.ostree import Ostree
from firmtrail_agent.sources.builtin.rpm_ostree import RpmOstree
from tests.agent.sources.support.readings import FIELD, RECORDED, configured, printing, problem_of, read, write

DIGEST = "sha256:47e5ed613a970b6574bfa954ab25bb6e85656552899aa518b5961d9645102b38"


def field(name: str) -> str:
    return (FIELD / name).read_text()


@pytest.fixture
def booted(tmp_path: Path) -> Path:
    write(tmp_path, "run/ostree-booted", "")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "key", "version"),
    [
        ("01-os-release-infix", "BUILD_ID", "v26.05.0"),
        ("01-os-release-cos", "BUILD_ID", "16919.103.16"),
        ("01-os-release-cos", "VERSION", "97"),
    ],
)
def test_the_key_of_os_release_can_be_named(tmp_path: Path, name: str, key: str, version: str) -> None:
    write(tmp_path, "etc/os-release", field(name))
    (source,) = configured(tmp_path, f'[[sources]]\ntype = "os-release"\nkey = "{key}"')

    assert read(source, tmp_path).version == version


@pytest.mark.parametrize("content", ["VERSION_ID=latest\n", "BUILD_ID=\n", "BUILD_ID=unknown\n"])
def test_no_other_key_stands_in_for_the_named_one(tmp_path: Path, content: str) -> None:
    write(tmp_path, "etc/os-release", content)

    assert "names no BUILD_ID" in (read(OsRelease(key="BUILD_ID"), tmp_path).error or "")


def test_a_key_that_none_can_have_is_a_mistake(tmp_path: Path) -> None:
    assert "key must" in problem_of(tmp_path, '[[sources]]\ntype = "os-release"\nkey = "BUILD-ID"')


def test_an_image_without_a_version_has_a_digest(booted: Path) -> None:
    printing(booted, "usr/bin/rpm-ostree", field("16-rpm-ostree-status.json"))

    assert "digest" in (read(RpmOstree(), booted).error or "")
    assert read(RpmOstree(take="digest"), booted).version == DIGEST


def test_a_commit_without_an_image_has_a_checksum(booted: Path) -> None:
    status = {"deployments": [{"booted": True, "checksum": "ab" * 32, "base-checksum": "cd" * 32}]}
    printing(booted, "usr/bin/rpm-ostree", json.dumps(status))

    assert read(RpmOstree(take="digest"), booted).version == "cd" * 32


def test_an_image_that_bootc_knows_has_a_digest(booted: Path) -> None:
    status = (RECORDED / "bootc-v1-status.json").read_text()
    printing(booted, "usr/bin/bootc", status.replace('"stream9.20240807.0"', "null"))

    assert "digest" in (read(Bootc(), booted).error or "")
    assert read(Bootc(take="digest"), booted).version == DIGEST


def test_a_commit_that_ostree_knows_has_a_digest(booted: Path) -> None:
    printing(booted, "usr/bin/ostree", (RECORDED / "ostree-2022.7-status.txt").read_text())

    assert (
        read(Ostree(take="digest"), booted).version
        == "26f0a54142d3ad41842a31200dd7293939413d5de1cd84d002341858ab965bfa"
    )
