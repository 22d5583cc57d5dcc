"""The limits are those that are published."""

from __future__ import annotations

from pathlib import Path

from mindseye.serve.http import wire
from mindseye.serve.limits import Limits

MIB = 2**20


def test_every_limit_is_told_in_the_docs() -> None:
    text = " ".join((Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8").split())
    limits = Limits()
    prompt = next(m.max_length for m in wire.Generation.model_fields["prompt"].metadata if hasattr(m, "max_length"))
    for told in (
        f"{limits.pictures} pictures a request",
        f"{limits.candidates} candidates each",
        f"{limits.steps} steps",
        f"prompts of {prompt:,} characters",
        f"{limits.json_bytes // MIB} MiB of JSON",
        f"{limits.upload_bytes // MIB} MiB of upload (one picture of {limits.picture_bytes // MIB}, a mask of"
        f" {limits.mask_bytes // MIB})",
        f"{limits.uploads} uploads at a time",
        f"{limits.body_seconds:g} s for a body to come in and {limits.header_seconds:g} s for a request's first lines",
        f"more than `--queue` pictures are under way ({limits.queued_pictures})",
        f"a request takes longer than {limits.request_seconds:g} s",
        f"After {limits.wrong_tokens} wrong tokens in a minute",
        f"whole multiple of it up to {limits.size_px}",
    ):
        assert told in text, told
