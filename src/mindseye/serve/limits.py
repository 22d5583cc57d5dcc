"""What a server gives at most: one table for every door."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from mindseye.errors import BadInput
from mindseye.serve.asked import Asked


class Limits(BaseModel):
    """The most that one request, or all of them, may take."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pictures: int = Field(10, ge=1, le=64, description="pictures a request")
    candidates: int = Field(16, ge=1, le=64, description="candidates for each picture to think over")
    steps: int = Field(200, ge=1, le=1000, description="sampling steps a picture")
    queued_pictures: int = Field(64, ge=1, description="pictures that wait or are drawn, candidates included")
    request_seconds: float = Field(120.0, gt=0, description="from the request to its last picture")
    size_px: int = Field(1024, ge=8, description="edge of an answered picture, where it is enlarged")
    json_bytes: int = Field(8 * 2**20, ge=1024, description="body of a JSON request")
    upload_bytes: int = Field(56 * 2**20, ge=1024, description="body of an upload, all of its parts")
    picture_bytes: int = Field(50 * 2**20, ge=1024, description="one uploaded picture")
    mask_bytes: int = Field(4 * 2**20, ge=1024, description="one uploaded mask")
    uploads: int = Field(4, ge=1, description="uploads that come in at a time")
    body_seconds: float = Field(30.0, gt=0, description="for a body to come in")
    header_seconds: float = Field(10.0, gt=0, description="for a request's first lines to come in")
    wrong_tokens: int = Field(20, ge=1, description="wrong tokens a minute from one address, before it has to wait")

    def check(self, asked: Asked) -> None:
        """Whether one request may ask for that much.

        Raises:
            BadInput: it may not; the error names the field.
        """
        for field, value, most in (
            ("count", len(asked.seeds), self.pictures),
            ("think", asked.candidates, self.candidates),
            ("steps", asked.request.steps or 0, self.steps),
            ("think", len(asked.seeds) * asked.candidates, self.queued_pictures),
        ):
            if value > most:
                raise BadInput(f"{field} cannot be that many: {value} is more than {most}", field=field)
