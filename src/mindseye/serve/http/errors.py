"""Refusals as clients of the OpenAI API know them: a status, an envelope, and whether asking again is worth it.

What a library said, where a file lies and what a class is called stays here; the log has it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from mindseye.errors import BadInput, MindseyeError
from mindseye.serve.asked import Busy, Closing, Lost, NotFound, Resting, TooLate

# Our name of a setting, where the images API has another.
IMAGES_NAMES = {"guidance": "guidance_scale", "steps": "num_inference_steps", "count": "n", "picture": "image"}

KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


class Refusal(Exception):
    """A request that is answered with a status and an envelope.

    Args:
        status: of HTTP.
        message: for people: what, why, what next.
        code: for programs.
        param: the field concerned.
        retry_seconds: when to ask again; None where asking again would have the same answer.
    """

    def __init__(
        self, status: int, message: str, *, code: str, param: str | None = None, retry_seconds: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.retry_seconds = retry_seconds

    @property
    def envelope(self) -> dict[str, Any]:
        kind = KINDS.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    @property
    def headers(self) -> dict[str, str]:
        if self.retry_seconds is None:
            return {"x-should-retry": "false"}
        return {"x-should-retry": "true", "retry-after": str(max(1, math.ceil(self.retry_seconds)))}

    @property
    def response(self) -> Response:
        return json_response(self.envelope, self.status, self.headers)


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Plain ASCII JSON: whatever a client wrote can be told back to it."""
    return Response(json.dumps(value), status, dict(headers or {}), media_type="application/json")


def refusal(error: MindseyeError, names: Mapping[str, str]) -> Refusal:
    """What to answer to an error of ours.

    Args:
        names: what the client calls our settings, where it has another name for them.
    """
    param = names.get(error.field, error.field) or None
    what = error.what
    if param and error.field != param:
        what = what.replace(error.field, param, 1)
    message = ". ".join(part.rstrip(".") for part in (what, error.why, error.next_step) if part)
    match error:
        case NotFound():
            return Refusal(404, message, code=f"{param}_not_found" if param else "not_found", param=param)
        case Resting():
            return Refusal(503, message, code="resting", retry_seconds=error.retry_seconds)
        case Busy():
            return Refusal(429, message, code="busy", retry_seconds=error.retry_seconds)
        case TooLate():
            return Refusal(504, message, code="too_late")
        case Closing():
            return Refusal(503, message, code="closing", retry_seconds=5)
        case Lost():
            return Refusal(500, message, code="worker_lost", retry_seconds=1)
        case BadInput():
            return Refusal(400, message, code="invalid_value", param=param)
        case _:
            return Refusal(503, "the server lacks something that this needs", code="unavailable")
