"""Schemathesis reads the OpenAPI document and asks whatever it allows, and what it does not."""

from __future__ import annotations

import base64
import json
import shutil
import time
from collections import Counter
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
from tests.recall.conftest import SIZE_PX, drawn, png
from tests.serve.conftest import interrupted

from mindseye.collection.collection import Example, write_collection
from mindseye.imagine.imaginer import load
from mindseye.learn.folder import ABOUT
from mindseye.serve.library import Library
from mindseye.serve.limits import Limits

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 200  # an endpoint
MANY = 2_000


# What the document leaves open and is there: of each endpoint, in every fourth question.
THERE = {
    "/api/search": {"collection": "squares", "picture": None, "words": "a red square"},
    "/api/judge": {"model": "tiny", "picture": base64.b64encode(png(drawn("red", "square", 0))).decode()},
    "/api/runs/{name}": {"name": "sprites"},
    "/api/runs/{name}/stop": {"name": "sprites"},
    "/api/runs/{name}/events": {"name": "sprites"},
    "/v1/models/{name}": {"name": "tiny"},
}


@pytest.fixture(scope="module")
def document(
    serving: Any, tiny_folder: Path, tiny_thinker: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """The document of a server that draws little at a time: its model takes one step unless more are asked for. It has
    a thinker, a collection and a training that was stopped."""
    folder = shutil.copytree(tiny_folder, tmp_path_factory.mktemp("models") / "tiny")
    shutil.copytree(tiny_thinker, folder / "thinker")
    about = json.loads((folder / ABOUT).read_text())
    about["config"]["steps"] = 1
    (folder / ABOUT).write_text(json.dumps(about))
    squares = [Example(png(drawn("red", "square", at)), f"{at}.png", ("a red square",), "", "", "") for at in range(4)]
    info = {"size_px": SIZE_PX, "transparent": False, "pixel_art": True}
    collection = write_collection(tmp_path_factory.mktemp("collections") / "squares", {"train": squares}, info)
    runs = tmp_path_factory.mktemp("runs")
    interrupted(runs / "sprites", collection.path)
    limits = Limits(steps=2, pictures=2, candidates=2, size_px=64, json_bytes=100_000)
    library = Library({"squares": collection})
    served = serving.start({"tiny": load(folder, device="cpu")}, limits, library, runs)
    wait = {"collection": "squares", "words": "a red square"}
    while served.post("/api/search", wait).status == 429:  # the first search looks at every picture
        time.sleep(0.2)
    return schemathesis.openapi.from_url(f"{served.url}/openapi.json")


def check(document: Any, examples: int) -> dict[str, Counter[int]]:
    """Asks so many questions of each endpoint, where JSON is sent also what the document does not allow; the statuses
    that each answered, and how often."""
    statuses: dict[str, Counter[int]] = {}
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
                answered = statuses.setdefault(case.path, Counter())
                if answered.total() % 4 == 0:
                    name_what_is_there(case)
                response = case.call(session=session)
                answered[response.status_code] += 1
                case.validate_response(response, checks=CHECKS)

            ask()
    return statuses


def name_what_is_there(case: Any) -> None:
    there = THERE.get(case.path, {})
    for values in (case.body, case.path_parameters):
        if isinstance(values, dict):
            values.update({name: value for name, value in there.items() if name in values})


def test_nothing_that_is_asked_is_a_mistake_of_the_server(document: Any) -> None:
    statuses = check(document, EXAMPLES)
    assert max(status for answered in statuses.values() for status in answered) < 500
    refused_only = {path for path, answered in statuses.items() if not {200, 201} & answered.keys()}
    assert refused_only <= {"/api/runs/{name}/stop"}  # nothing is being trained
    assert statuses["/v1/images/generations"][400]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_nor_is_anything_in_two_thousand_questions_to_each_endpoint(document: Any) -> None:
    assert max(status for answered in check(document, MANY).values() for status in answered) < 500


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
