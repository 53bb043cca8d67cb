"""Who comes to an endpoint of auth, and what is answered with tokens in it."""

from typing import Any

from litestar import Request, Response

from kassa.auth.family import LONGEST_AGENT
from kassa.auth.service import AuthService, Visitor
from kassa.auth.sessions import Session
from kassa.auth.wire import SessionOut, shown
from kassa.kit.web import JsonResponse, header

# RFC 6749, 5.1: no cache keeps an answer that holds tokens.
NOT_STORED = {"Cache-Control": "no-store"}


def service_of(request: Request[Any, Any, Any]) -> AuthService:
    """The auth service that answers."""
    service: AuthService = request.app.state["auth"]
    return service


def visitor_of(request: Request[Any, Any, Any], device_token: str = "") -> Visitor:
    """Who comes: from where, with which program."""
    agent = (header(request, b"user-agent") or "")[:LONGEST_AGENT]
    shown_agent = agent if agent.isascii() and agent.isprintable() else ""
    return Visitor(request.client.host if request.client else "", shown_agent, device_token)


def session_answer(session: Session, status: int = 200) -> Response[SessionOut]:
    """The session, which no cache keeps."""
    return JsonResponse(shown(session), status_code=status, headers=NOT_STORED)
