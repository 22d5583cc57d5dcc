"""What the other servers answer: a picture as a PNG in base64, in the envelope of the OpenAI images API."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image


def images(picture: Image.Image) -> dict[str, Any]:
    """The answer with one picture."""
    file = io.BytesIO()
    picture.save(file, "PNG")
    return {"created": 0, "data": [{"b64_json": base64.b64encode(file.getvalue()).decode()}]}
