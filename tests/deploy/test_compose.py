"""What must hold for every container of docker-compose.yml, and no linter looks at."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

Services = dict[str, dict[str, Any]]
#: where each program reads its variables
SOURCES = {
    "server": ["packages/server/src/firmtrail_server"],
    "agent": ["packages/device-agent/src/firmtrail_agent", "packages/sdk/src/firmtrail"],
}


def but_for(services: Services, holds: dict[str, bool]) -> list[str]:
    assert services.keys() == holds.keys()
    return [name for name, fact in holds.items() if not fact]


def test_no_service_has_a_capability(services: Services) -> None:
    holds = {name: s.get("cap_drop") == ["ALL"] and "cap_add" not in s for name, s in services.items()}
    assert but_for(services, holds) == []


def test_no_service_is_privileged_or_can_become_so(services: Services) -> None:
    holds = {
        name: s.get("security_opt") == ["no-new-privileges:true"] and not s.get("privileged")
        for name, s in services.items()
    }
    assert but_for(services, holds) == []


def test_every_service_runs_as_a_numeric_user_that_is_not_root(services: Services) -> None:
    holds = {name: bool(re.fullmatch(r"[1-9]\d*:[1-9]\d*", s.get("user", ""))) for name, s in services.items()}
    assert but_for(services, holds) == []


def test_every_file_system_is_read_only_with_a_small_tmp(services: Services) -> None:
    holds = {
        name: s.get("read_only") is True and any("size=" in mount for mount in s.get("tmpfs", []))
        for name, s in services.items()
    }
    assert but_for(services, holds) == []


def test_every_service_has_a_limit_of_memory_and_processes(services: Services) -> None:
    holds = {name: "mem_limit" in s and "pids_limit" in s for name, s in services.items()}
    assert but_for(services, holds) == []


def test_no_service_shares_the_hosts_namespaces(services: Services) -> None:
    shared = {"network_mode", "pid", "ipc", "uts", "userns_mode", "devices"}
    assert but_for(services, {name: not shared & s.keys() for name, s in services.items()}) == []


def test_nothing_is_published_beyond_loopback(services: Services) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert [port for port in published if not str(port).startswith("127.0.0.1:")] == []


def test_the_folders_of_the_host_are_mounted_read_only(services: Services) -> None:
    mounts = [mount for service in services.values() for mount in service.get("volumes", [])]
    of_the_host = [mount for mount in mounts if mount.startswith((".", "/", "~"))]
    assert of_the_host
    assert [mount for mount in of_the_host if not mount.endswith(":ro")] == []


def test_every_image_has_a_tag_that_does_not_move(services: Services) -> None:
    tags = {name: service["image"].rpartition("/")[2].partition(":")[2] for name, service in services.items()}
    assert but_for(services, {name: tag not in {"", "latest"} for name, tag in tags.items()}) == []


def test_cockroachdb_is_new_enough_for_the_migrations(services: Services) -> None:
    version = re.search(r":v(\d+)\.(\d+)\.\d+$", services["cockroach"]["image"])
    assert version
    assert tuple(map(int, version.groups())) >= (25, 2)


def test_the_open_database_is_on_an_internal_network_alone(compose: dict[str, Any], services: Services) -> None:
    insecure = [s for s in services.values() if "--insecure" in s.get("command", [])]
    assert insecure
    assert [s["networks"] for s in insecure] == [["database"]] * len(insecure)
    assert compose["networks"]["database"]["internal"] is True


def test_no_agent_is_on_the_databases_network(services: Services) -> None:
    networks = [s["networks"] for s in services.values() if s["image"].startswith("firmtrail-agent:")]
    assert networks
    assert [names for names in networks if "database" in names] == []


def test_every_built_image_is_a_target_of_the_dockerfile(services: Services, dockerfile: str) -> None:
    targets = {s["build"]["target"] for s in services.values() if "build" in s}
    assert targets
    assert [target for target in targets if not re.search(rf"^FROM \S+ AS {target}$", dockerfile, re.MULTILINE)] == []


@pytest.mark.parametrize("target", SOURCES)
def test_every_variable_is_one_that_the_program_reads(root: Path, services: Services, target: str) -> None:
    files = [file for folder in SOURCES[target] for file in (root / folder).rglob("*.py")]
    known = set(re.findall(r"FIRMTRAIL_\w+", "\n".join(file.read_text(encoding="utf-8") for file in files)))
    used = {
        name
        for service in services.values()
        if service.get("build", {}).get("target") == target
        for name in re.findall(r"FIRMTRAIL_\w+", json.dumps([service.get("environment", {}), service.get("command")]))
    }
    assert used - known == set()


def test_compose_takes_only_variables_that_the_server_reads_from_the_shell(root: Path) -> None:
    taken = set(re.findall(r"\$\{(\w+)", (root / "docker-compose.yml").read_text(encoding="utf-8")))
    settings = (root / "packages/server/src/firmtrail_server/settings.py").read_text(encoding="utf-8")
    assert taken - set(re.findall(r"FIRMTRAIL_\w+", settings)) == set()


def test_a_server_reads_the_signing_keys_that_are_made_before_and_cannot_change_them(services: Services) -> None:
    server, maker = services["server"], services["signing-keys"]
    folder, _, name = server["environment"]["FIRMTRAIL_SIGNING_KEYS_FILE"].rpartition("/")
    assert server["volumes"] == [f"signing-keys:{folder}:ro"]
    assert maker["volumes"] == [f"signing-keys:{folder}"]
    assert maker["command"][1] == f"{folder}/{name}"
    assert server["depends_on"]["signing-keys"] == {"condition": "service_completed_successfully"}


def test_the_agent_keeps_its_state_and_can_say_how_it_is(services: Services) -> None:
    agent = services["agent"]
    assert "state:/var/lib/firmtrail-agent" in agent["volumes"]
    assert any(mount.startswith("/run/firmtrail-agent:") for mount in agent["tmpfs"])


def test_the_signing_keys_are_made_once_and_for_their_owner_alone(services: Services, tmp_path: Path) -> None:
    maker, file = services["signing-keys"], tmp_path / "keys"
    script = maker["command"][0].replace("$$", "$")
    path = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    made: list[str] = []
    for _ in range(2):
        subprocess.run([*maker["entrypoint"], script, file], env=os.environ | path, check=True, timeout=60)
        made.append(file.read_text())
    assert made[0] == made[1]
    assert json.loads(made[0])["keys"]
    assert file.stat().st_mode & 0o777 == 0o600
