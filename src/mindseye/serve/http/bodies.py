"""Request bodies, read in bounded memory and time, and taken apart strictly."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from mindseye.errors import BadInput
from mindseye.serve.http import wire
from mindseye.serve.http.errors import Refusal
from mindseye.serve.limits import Limits

Body = TypeVar("Body", bound=BaseModel)

# What a page of any other site may send without asking first; JSON is not among them.
SIMPLE_TYPES = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data")
FORM_FIELDS, FORM_FILES = 64, 20


def described(body: type[BaseModel]) -> dict[str, Any]:
    """The body's part in the OpenAPI document."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": body.model_json_schema()}}}}


async def read_json(request: Request, body: type[Body], limits: Limits) -> Body:
    """The JSON object in a request's body, checked.

    Raises:
        Refusal: it is not JSON, or too large.
        BadInput: a field is unknown or out of range.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in SIMPLE_TYPES:
        raise Refusal(403, f"{kind} is not taken here: send application/json", code="content_type")
    if kind != "application/json":
        raise Refusal(415, "send application/json", code="content_type")
    data = await read_bytes(request, limits.json_bytes)
    try:
        values = json.loads(data, object_pairs_hook=_each_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refusal(400, "the body is not JSON", code="invalid_json") from None
    if not isinstance(values, dict):
        raise Refusal(400, "the body is not a JSON object", code="invalid_json")
    return wire.read(body, values, strict=True)


def _each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise BadInput("a field is given twice")
    return values


def _no_constant(name: str) -> Any:
    raise ValueError(name)  # NaN and the infinities are not JSON


async def read_bytes(request: Request, most: int) -> bytes:
    """A body of at most so many bytes.

    Raises:
        Refusal: it is larger.
    """
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise Refusal(413, f"the body is larger than {most} bytes", code="too_large")
        parts.append(part)
    return b"".join(parts)


async def read_form(request: Request) -> tuple[dict[str, Any], dict[str, list[bytes]]]:
    """The fields and the files of a multipart body; "name[]" is "name", and what is given so, or twice, is a list.

    Raises:
        Refusal: it is not such a body, or broken.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise Refusal(415, "send multipart/form-data, with the picture as the file image", code="content_type")
    fields: dict[str, Any] = {}
    files: dict[str, list[bytes]] = {}
    try:
        async with request.form(max_files=FORM_FILES, max_fields=FORM_FIELDS) as form:
            for name, value in form.multi_items():
                bare = name.removesuffix("[]")
                if isinstance(value, UploadFile):
                    files.setdefault(bare, []).append(await value.read())
                elif name.endswith("[]"):
                    fields.setdefault(bare, []).append(value)
                elif bare in fields:
                    raise BadInput(f"{bare[:80]!r} is given twice", field=bare[:80])
                else:
                    fields[bare] = value
    except HTTPException:
        raise Refusal(400, "the multipart body is broken, or has too many parts", code="invalid_body") from None
    return fields, files


def decoded(text: str, field: str, most: int) -> bytes:
    """The bytes of a picture that came as base64, with or without "data:...;base64," before it.

    Raises:
        BadInput: it is not base64, or too large.
    """
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadInput(f"{field}: it is not base64", field=field) from None
    if len(data) > most:
        raise BadInput(f"{field}: it is larger than {most} bytes", field=field)
    return data
