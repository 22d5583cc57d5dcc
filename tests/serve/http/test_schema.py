"""Schemathesis reads the OpenAPI document and asks whatever it allows, and what it does not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mindseye.imagine.imaginer import Imaginer
from mindseye.serve.limits import Limits

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
FEW = 12  # examples an endpoint
MANY = int(os.environ.get("MINDSEYE_EXAMPLES", "200"))


@pytest.fixture(scope="module")
def document(serving: Any, tiny: Imaginer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The document of a server that draws little at a time."""
    limits = Limits(steps=4, pictures=4, json_bytes=100_000)
    served = serving.start({"tiny": tiny}, limits, runs=tmp_path_factory.mktemp("runs"))
    return schemathesis.openapi.from_url(f"{served.url}/openapi.json")


def check(document: Any, examples: int) -> set[int]:
    """Asks so many questions of each endpoint; the statuses that were answered."""
    statuses = set()
    settings = hypothesis.settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    for result in document.get_all_operations():
        operation = result.ok()

        @settings
        @hypothesis.given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            response = case.call()
            statuses.add(response.status_code)
            case.validate_response(response, checks=CHECKS)

        ask()
    return statuses


def test_nothing_that_the_document_allows_is_a_mistake_of_the_server(document: Any) -> None:
    statuses = check(document, FEW)
    assert 200 in statuses and 400 in statuses and max(statuses) < 500


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_nor_is_anything_in_two_hundred_questions_to_each_endpoint(document: Any) -> None:
    assert max(check(document, MANY)) < 500


def test_the_document_names_every_field_and_every_room(document: Any) -> None:
    paths = document.raw_schema["paths"]
    assert {"/v1/images/generations", "/v1/images/edits", "/v1/models", "/api/search", "/api/judge"} <= set(paths)
    answers = paths["/v1/images/generations"]["post"]["responses"]["200"]["content"]
    assert set(answers) == {"application/json", "text/event-stream"}
    body = paths["/v1/images/generations"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert {"prompt", "n", "seeds", "negative_prompt", "guidance_scale", "num_inference_steps", "think"} <= set(
        body["properties"]
    )
    assert body["additionalProperties"] is False and body["required"] == ["prompt"]
    assert Path(__file__).name not in str(document.raw_schema)
