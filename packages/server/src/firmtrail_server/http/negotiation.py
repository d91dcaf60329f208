"""What a client accepts (RFC 9110, section 12.5): the media type and the content coding of its answer."""

from __future__ import annotations

from collections.abc import Sequence

from firmtrail_server.http.request import Request


def accepted(request: Request, header: str, offered: Sequence[str]) -> str | None:
    """Choose what a header rates highest of what is offered, the first of equals; None: it takes none of that.

    Without the header, anything is taken.
    """
    text = ", ".join(request.headers.getall(header, ["*/*"]))
    ratings = dict(_rated(part) for part in text.lower().split(",") if part.strip())
    rated = [(_rating(one, ratings), one) for one in offered]
    best = max(rating for rating, _ in rated)
    return next(one for rating, one in rated if rating == best) if best > 0 else None


def _rated(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip() for piece in part.split(";"))
    weight = next((value for key, _, value in (one.partition("=") for one in parameters) if key.strip() == "q"), "1")
    try:
        return name, min(max(float(weight), 0.0), 1.0)
    except ValueError:
        return name, 0.0


def _rating(offered: str, ratings: dict[str, float]) -> float:
    """Go by what is named most exactly."""
    wider = (offered, f"{offered.partition('/')[0]}/*", "*/*", "*")
    return next((ratings[one] for one in wider if one in ratings), 0.0)
