"""What surrounds every page: who is signed in, the token of its forms, and the page that says what went wrong."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from aiohttp import hdrs

from firmtrail_contract.problems import STATUS
from firmtrail_server.errors import (
    BodyTooLarge,
    DomainError,
    InvalidRequest,
    MethodNotAllowed,
    PathNotFound,
    Unauthenticated,
)
from firmtrail_server.http.context import Services
from firmtrail_server.http.problems import refusal
from firmtrail_server.http.request import Request
from firmtrail_server.http.responses import Response
from firmtrail_server.pages.cookies import Cookies
from firmtrail_server.pages.forms import FormTokens
from firmtrail_server.pages.rendering import page, redirect, rendered
from firmtrail_server.pages.results import View

SIGN_IN, HOME = "/sign-in", "/projects"
#: where programs ask, whatever they accept
_OF_PROGRAMS = ("/v1", "/.well-known/", "/static/")
#: of errors that say something else to programs
_SAID_TO_PEOPLE: Final[dict[type[DomainError], str]] = {
    PathNotFound: "There is no page at this address.",
    MethodNotAllowed: "This address takes a form, and shows nothing. Go back to the page that the form is on.",
    BodyTooLarge: f"{HTTPStatus.REQUEST_ENTITY_TOO_LARGE.phrase}.",
}


class Frame:
    """Makes pages out of what views return, and out of errors."""

    def __init__(self, services: Services) -> None:
        self.cookies = Cookies(services)
        self.tokens = FormTokens(services.authentication.digests)

    def shown(self, request: Request, view: View) -> Response:
        """Render a template."""
        data = {
            **view.data,
            "form_token": self.tokens.new(self.cookies.bound_to(request)),
            "is_signed_in": self.cookies.is_signed_in(request),
        }
        return page(rendered(view.template, data), view.status, request)

    def refuse(self, error: Exception, request: Request) -> Response:
        """Make the page that says what went wrong; who is not signed in goes to where that is done."""
        if isinstance(error, Unauthenticated):
            onward = f"?{urlencode({'next': request.target})}" if request.method == hdrs.METH_GET else ""
            return redirect(f"{SIGN_IN}{onward}")
        problem = _Refusal(error, request)
        response = self.shown(request, View(template="refused.html", data=problem.data, status=problem.status))
        if (seconds := getattr(error, "retry_after_seconds", None)) is not None:
            response.headers[hdrs.RETRY_AFTER] = str(seconds)
        self.cookies.keep_renewed(request, response)
        return response

    def refuse_path(self, error: Exception, request: Request) -> Response:
        """Answer a path where nothing is: with a page to browsers, with a problem to programs."""
        if not isinstance(error, PathNotFound | MethodNotAllowed) or not _asks_for_page(request):
            return refusal(error, request, HOME)
        response = self.refuse(error, request)
        response.headers[hdrs.VARY] = hdrs.ACCEPT
        if isinstance(error, MethodNotAllowed):
            response.headers[hdrs.ALLOW] = error.possible
        return response


def _asks_for_page(request: Request) -> bool:
    """Whether a browser looks for a page; at the root it is sent to one."""
    path = request.path
    return path != "/" and not path.startswith(_OF_PROGRAMS) and "text/html" in request.headers.get(hdrs.ACCEPT, "")


class _Refusal:
    """What a page says of an error."""

    def __init__(self, error: Exception, request: Request) -> None:
        self.status = 500
        detail = "The server made a mistake. Its operator finds this request in the log by its id."
        if isinstance(error, DomainError):
            self.status, detail = STATUS[error.code], _SAID_TO_PEOPLE.get(type(error), str(error))
        errors = error.errors if isinstance(error, InvalidRequest) else []
        self.data = {
            "detail": "" if errors else detail,
            "errors": [(one.pointer.removeprefix("/"), one.detail) for one in errors],
            "status": self.status,
            "request_id": request.id,
        }
