"""What ./dev bench agent looks at: a real agent behind the counted wire."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.agent.figures import Figure
from bench.agent.running import lay_out, running
from bench.agent.wire import Wire, make_certificate


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
async def test_the_agent_reports_over_the_counted_wire_and_a_version_that_stays_writes_nothing(tmp_path: Path) -> None:
    certificate, modules = make_certificate(tmp_path), tmp_path / "modules"
    lay_out(modules)
    async with Wire().open(certificate) as wire, running(tmp_path / "device", modules, wire.url, certificate) as agent:
        agent.report_now()
        await wire.report()
        agent.report_now()
        await wire.report()  # what the first one has written is written now
        written, on_disk, passed = agent.written(), agent.disk_bytes(), wire.bytes

        agent.report_now()
        await wire.report()

        assert agent.written() == written
        assert agent.disk_bytes() == on_disk
        assert wire.bytes > passed > 1000
        assert agent.start_cpu_ms > 0
        assert agent.rss_mb() > 5


@pytest.mark.parametrize(("measured", "allowed", "verdict"), [(36, 36, "met"), (37, 36, "MISSED"), (1, None, "")])
def test_a_figure_is_judged_by_what_is_allowed(measured: float, allowed: float | None, verdict: str) -> None:
    assert Figure("memory", measured, allowed).verdict == verdict
