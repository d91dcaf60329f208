"""Every check that is not a test: `check.py [NAME ...]`. One line each, then what the failed ones said."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Check:
    """A command that fails when something is wrong."""

    name: str
    command: list[str]


@dataclass(frozen=True)
class Result:
    """What became of a check; `complaint` is empty when all is well."""

    name: str
    seconds: float
    complaint: str


def main(names: list[str]) -> int:
    checks = [check for check in _checks() if not names or check.name in names]
    if unknown := set(names) - {check.name for check in checks}:
        print(f"There is no check {', '.join(sorted(unknown))} here.", file=sys.stderr)
        return 2
    failed = [result for result in _results(checks) if result.complaint]
    for result in failed:
        print(f"\n--- {result.name}\n{result.complaint}")
    print(f"\n{len(checks)} checks, {len(failed)} failed", flush=True)
    return int(bool(failed))


def _checks() -> Iterator[Check]:
    """The slowest first: two run at a time."""
    yield Check("types", [_program("basedpyright")])
    # The SDK as a program that uses it sees it: without this project's settings. basedpyright reads the same file.
    strict = ["--strict", "--config-file=", "--cache-dir", ".venv/mypy", "--python-executable", sys.executable]
    yield Check("mypy", [_program("mypy"), *strict, "tests/sdk/typed_program.py"])
    yield Check("pages", [sys.executable, "tools/page_programs.py"])
    yield Check("imports", [_program("lint-imports")])
    yield Check("lint", [_program("ruff"), "check", "."])
    yield Check("format", [_program("ruff"), "format", "--check", "."])
    yield Check("sql", [sys.executable, "tools/lint_sql.py"])
    yield Check("locks", [sys.executable, "tools/check_locks.py"])
    yield Check("sync", [sys.executable, "tools/unasync.py", "--check"])
    yield Check("openapi", [sys.executable, "-m", "tools.openapi", "--check"])
    yield Check("clients", [sys.executable, "-m", "tools.clients", "--check"])
    if compose_files := _files("docker-compose*.yml", "deploy/**/docker-compose*.yml"):
        schema = ["--builtin-schema", "vendor.compose-spec"]
        yield Check("compose", [_program("check-jsonschema"), *schema, *compose_files])
    schemas = {
        "workflows": ("vendor.github-workflows", ".github/workflows/*.yml"),
        "updates": ("vendor.dependabot", ".github/dependabot.yml"),
        "issues": ("vendor.github-issue-forms", ".github/ISSUE_TEMPLATE/[!c]*.yml"),
    }
    for name, (schema, pattern) in schemas.items():
        yield Check(name, [_program("check-jsonschema"), "--builtin-schema", schema, *_files(pattern)])
    if docker_files := _files("Dockerfile*", "packages/*/Dockerfile*", "deploy/**/Dockerfile*"):
        yield Check("dockerfile", [_program("hadolint"), *docker_files])


def _program(name: str) -> str:
    return str(BIN / name)


def _files(*patterns: str) -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for pattern in patterns for path in ROOT.glob(pattern))


def _results(checks: list[Check]) -> Iterator[Result]:
    with ThreadPoolExecutor(max_workers=2) as pool:
        for future in as_completed([pool.submit(_run, check) for check in checks]):
            result = future.result()
            print(f"{'FAILED' if result.complaint else 'ok':6}  {result.name:10}  {result.seconds:5.1f} s", flush=True)
            yield result


def _run(check: Check) -> Result:
    started = time.monotonic()
    done = subprocess.run(
        check.command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )
    return Result(check.name, time.monotonic() - started, _complaint(done))


def _complaint(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode != 0:
        return f"{done.stdout}{done.stderr}".strip() or f"exit code {done.returncode}"
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
