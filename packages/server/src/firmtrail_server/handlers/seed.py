"""Make a demo project."""

from __future__ import annotations

from firmtrail_contract import NewDevice, Role, Seed
from firmtrail_server.db import Connection
from firmtrail_server.errors import SeedNotAllowed
from firmtrail_server.http.context import PublicContext
from firmtrail_server.http.results import Created
from firmtrail_server.queries import devices, projects
from firmtrail_server.services.api_keys import Terms


async def seed(ctx: PublicContext, conn: Connection) -> Created[Seed]:
    """Answers 404 unless the operator has set FIRMTRAIL_SEED_ENABLED."""
    if not ctx.services.settings.seed_enabled:
        raise SeedNotAllowed
    terms = Terms(created_by=None, created_at=ctx.now())
    project = await projects.insert(conn, "Test Project", ctx.now())
    device = await devices.insert(conn, project.id, NewDevice(name="Test Device"), ctx.now())
    made = Seed(
        project=project,
        project_api_key=await ctx.keys.issue_for_project(conn, project.id, Role.ADMIN, terms),
        device=device,
        device_api_key=await ctx.keys.issue_for_device(conn, device, terms),
    )
    return Created(made)
