"""Sessions: the logins of a user that last, one for each program or browser."""

from __future__ import annotations

import datetime as dt
import uuid

import attrs


@attrs.frozen(kw_only=True)
class Session:
    """A login that has a refresh token, and has not ended."""

    id: uuid.UUID
    created_at: dt.datetime
    #: the login, or the last time that it got an access token
    last_used_at: dt.datetime
    #: it ends then, unless it is used before; each use moves this on, but not beyond the longest life of a session
    expires_at: dt.datetime
    #: the program that used it last, as its `User-Agent` header says: at most 200 characters, which anybody may choose
    client: str
    #: the network address that it was last used from
    address: str
    #: whether this request was made with an access token of this session
    is_current: bool
