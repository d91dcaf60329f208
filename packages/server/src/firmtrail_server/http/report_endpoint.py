"""What serves the routes that devices report to: the statement that stores a report finds its key alive itself."""

from __future__ import annotations

from typing import Any

from firmtrail_server.errors import InvalidRequest, SecretUnproved
from firmtrail_server.history.timeline import Sender
from firmtrail_server.http.authorization_header import read_credential
from firmtrail_server.http.context import ReportContext
from firmtrail_server.http.endpoint import Call, Endpoint, response_of
from firmtrail_server.http.request import Request
from firmtrail_server.http.requests import Named
from firmtrail_server.http.responses import Response
from firmtrail_server.services.authentication import Credential


class ReportEndpoint(Endpoint):
    """Passes a report on at once, and asks who sends it only where something is wrong."""

    async def respond(self, request: Request, named: Named) -> Response:
        """Serve a request; `named` is what its path names.

        Raises:
            DomainError: it is refused.
        """
        credential = request.caller = read_credential(request, self.services.authentication)
        call = Call(request, named, credential)
        arguments = await self.read_arguments(call)
        if credential.epoch is None and credential.may(self.route.scope):
            try:
                return response_of(await self._handle(call, credential, arguments))
            except SecretUnproved:
                pass
            except InvalidRequest:  # which is only the business of who may report
                await self.permit(call)
                raise
        await self.permit(call)  # says what is wrong, unless it was that the secret had to be proved
        assert call.credential is not None
        try:
            return response_of(await self._handle(call, call.credential, arguments))
        except SecretUnproved:
            raise credential.refusal from None

    def _handle(self, call: Call, credential: Credential, arguments: dict[str, Any]) -> Any:
        request = call.request
        sender = Sender(credential.subject_id, call.named.ids["device_id"], credential.digest)
        ctx = ReportContext(services=self.services, request=request, request_id=request.id, sender=sender)
        return self.route.handler(ctx, **arguments)
