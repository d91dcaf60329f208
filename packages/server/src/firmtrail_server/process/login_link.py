"""A link that signs a person in once, made by the operator: for the demo, and for who has lost the password."""

from __future__ import annotations

import datetime as dt

from firmtrail_server.db import Database, Transaction
from firmtrail_server.errors import UserNotFound
from firmtrail_server.process.first_user import BadUser
from firmtrail_server.services import login_links

PATH = "/sign-in/link"


async def make_login_link(database_url: str, issuer: str, email: str) -> str:
    """Make a link for the user with this address; the schema must be up to date.

    Raises:
        BadUser: there is none.
        DatabaseUnavailable: the database does not answer.
    """
    database = Database(database_url, max_connections=1)
    await database.open()
    try:
        secret = await database.run(Transaction.WRITE, login_links.make, email, dt.datetime.now(dt.UTC))
    except UserNotFound:
        raise BadUser(f"No link was made: {email} has no user.") from None
    finally:
        await database.close()
    return f"{issuer}{PATH}?secret={secret}"
