"""Schemathesis reads the OpenAPI document and asks whatever it allows, and what it does not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mindseye.imagine.imaginer import load
from mindseye.learn.folder import ABOUT
from mindseye.serve.limits import Limits

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 200  # an endpoint
MANY = 2_000


@pytest.fixture(scope="module")
def document(serving: Any, tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The document of a server that draws little at a time: its model takes one step unless more are asked for."""
    folder = shutil.copytree(tiny_folder, tmp_path_factory.mktemp("models") / "tiny")
    about = json.loads((folder / ABOUT).read_text())
    about["config"]["steps"] = 1
    (folder / ABOUT).write_text(json.dumps(about))
    limits = Limits(steps=2, pictures=2, size_px=64, json_bytes=100_000)
    served = serving.start({"tiny": load(folder, device="cpu")}, limits, runs=tmp_path_factory.mktemp("runs"))
    return schemathesis.openapi.from_url(f"{served.url}/openapi.json")


def check(document: Any, examples: int) -> set[int]:
    """Asks so many questions of each endpoint, where JSON is sent also what the document does not allow; the statuses
    that were answered."""
    statuses = set()
    settings = hypothesis.settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    with requests.Session() as session:
        for result in document.get_all_operations():
            operation = result.ok()
            has_json = any(body.media_type == "application/json" for body in operation.body)
            modes = GenerationMode if has_json else [GenerationMode.POSITIVE]
            cases = [operation.as_strategy(generation_mode=mode) for mode in modes]

            @settings
            @hypothesis.given(case=hypothesis.strategies.one_of(cases))
            def ask(case: Any) -> None:
                response = case.call(session=session)
                statuses.add(response.status_code)
                case.validate_response(response, checks=CHECKS)

            ask()
    return statuses


def test_nothing_that_is_asked_is_a_mistake_of_the_server(document: Any) -> None:
    statuses = check(document, EXAMPLES)
    assert 200 in statuses and 400 in statuses and max(statuses) < 500


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_nor_is_anything_in_two_thousand_questions_to_each_endpoint(document: Any) -> None:
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
