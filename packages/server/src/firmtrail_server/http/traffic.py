"""What is counted of every request, and logged of it if the operator wants that: never a path, a query or a secret."""

from __future__ import annotations

import logging

import attrs

from firmtrail_server.http.request import Request
from firmtrail_server.telemetry.logs import about
from firmtrail_server.telemetry.metrics import Counter, Histogram, Metrics
from firmtrail_server.telemetry.refusal_log import RefusalLog

logger = logging.getLogger(__name__)

_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_UNAUTHORIZED = 401
#: a path or a method that is none of ours could be anything
_NOWHERE = "none"


@attrs.frozen
class Meter:
    """What is counted of the requests of one route."""

    method: str
    route: str
    #: by their first digit
    statuses: list[Counter]
    seconds: Histogram


class Traffic:
    """Counts requests, by metrics that each endpoint has of its own: a request costs three additions."""

    def __init__(self, metrics: Metrics, *, log_requests: bool) -> None:
        self.refusals = RefusalLog()
        #: of requests that no endpoint is for
        self.nowhere = self.meter(metrics, _NOWHERE, _NOWHERE)
        self._log_requests = log_requests

    @staticmethod
    def meter(metrics: Metrics, method: str, route: str) -> Meter:
        labels = {"method": method, "route": route}
        name, text = "firmtrail_http_requests_total", "Requests answered, by the first digit of their status."
        statuses = [metrics.counter(name, text, **labels, status=f"{digit}xx") for digit in range(6)]
        name, text = "firmtrail_http_request_duration_seconds", "Time from a request's header to its answer."
        return Meter(method, route, statuses, metrics.histogram(name, text, _BOUNDS, **labels))

    def answered(self, request: Request, meter: Meter, status: int, seconds: float) -> None:
        meter.statuses[status // 100].add()
        meter.seconds.observe(seconds)
        if self._log_requests:
            caller = request.caller if status != _UNAUTHORIZED else None
            fields = about(
                method=meter.method,
                route=meter.route,
                status=status,
                milliseconds=round(seconds * 1_000, 1),
                request_id=request.id,
                key_id=caller.subject_id if caller and caller.epoch is None else None,
                user_id=caller.subject_id if caller and caller.epoch is not None else None,
            )
            logger.info("answered", extra=fields)

    def failed(self, request: Request, meter: Meter, error: Exception) -> None:
        """Log a request that failed by a mistake of ours."""
        fields = about(method=meter.method, route=meter.route, request_id=request.id)
        logger.error("failed", exc_info=error, extra=fields)
