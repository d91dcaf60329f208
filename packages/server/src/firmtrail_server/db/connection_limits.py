"""How long a machine of the database may be silent. Every connection is made with these limits."""

from __future__ import annotations

from psycopg.conninfo import conninfo_to_dict, make_conninfo

#: where the URL does not say otherwise
_LIMITS = {
    # seconds, for each host of the URL
    "connect_timeout": 5,
    # milliseconds that what was sent may go unacknowledged
    "tcp_user_timeout": 10_000,
    # seconds of silence before the network is asked whether the machine is there, then how often and how many times
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}


def conninfo(url: str) -> str:
    """Write the URL as a connection string that says what the URL leaves open.

    Without it a machine that is gone holds up a connection for minutes, or a thread that reads for two hours.

    Raises:
        psycopg.ProgrammingError: it is none; the message may quote it.
    """
    said = conninfo_to_dict(url)
    return make_conninfo(url, **{name: value for name, value in _LIMITS.items() if name not in said})
