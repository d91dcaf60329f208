"""All of an examination, in the order in which one thing needs the other."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Iterator, Mapping

from firmtrail_server.process.database import NoDatabase, database
from firmtrail_server.process.doctor.configuration import examine_files, examine_keys, examine_mail, examine_proxy
from firmtrail_server.process.doctor.database import examine_database
from firmtrail_server.process.doctor.finding import Finding, fail, ok
from firmtrail_server.settings import BadSetting, Settings, SettingsReader


def examine(
    reader: SettingsReader, environment: Mapping[str, str], now: Callable[[], dt.datetime]
) -> Iterator[Finding]:
    """Look at everything. Nothing is changed, but an embedded database is started for as long as it takes."""
    yield from examine_files(environment)
    try:
        settings = reader.read()
    except BadSetting as error:
        yield fail("settings", str(error))
        return
    yield ok("settings", "all can be used")
    yield examine_keys(settings)
    yield examine_proxy(settings)
    yield examine_mail(settings)
    try:
        with database(settings) as (url, _):
            yield from asyncio.run(_examined(settings, url, now))
    except NoDatabase as error:
        yield fail("database", str(error))


async def _examined(settings: Settings, url: str, now: Callable[[], dt.datetime]) -> list[Finding]:
    return [finding async for finding in examine_database(settings, url, now)]
