"""What other tools write into their pictures, brought into our terms.

Everything here is untrusted text: nothing is executed, JSON that is broken or nested without end counts as absent, and
graphs are walked node by node, each once.
"""

from __future__ import annotations

import json
import math
import re
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

SETTINGS_LIMIT = 2**16  # characters of an A1111 settings line that are looked at


def read(texts: Mapping[str, str]) -> dict[str, Any]:
    """The normalised story in a picture's texts (key to text); empty if there is none. See `story.read_story`."""
    invoke = _json_object(texts.get("invokeai_metadata", ""))
    if invoke:
        return _invokeai(invoke)
    parameters = texts.get("parameters", "").strip()
    fooocus = _json_object(parameters)
    if fooocus:
        return _fooocus(fooocus)
    graph = _comfy_graph(texts)
    if graph:
        return _comfyui(graph)
    if parameters:
        return {**_a1111(parameters), **({"tool": "Fooocus"} if "fooocus_scheme" in texts else {})}
    return {}


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text) if text.startswith("{") else None
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _whole(value: Any) -> int | None:
    """A whole number that a tool wrote as such, as a float or as text."""
    if isinstance(value, str) and len(value) <= 20 and re.fullmatch(r"-?[0-9]+", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _known(**fields: Any) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}


# ------------------------------------------------------------------------------------------------------------- A1111

_SETTING = re.compile(r'\s*([A-Za-z][\w /-]{0,40}):\s*("(?:[^"\\]|\\.)*"|[^,]*)(?:,|$)')
_LEAST_SETTINGS = 3  # a last line with fewer is the prompt's


def _a1111(parameters: str) -> dict[str, Any]:
    """The prompt, a line that begins with "Negative prompt:", and a last line of "Key: value, Key: value"."""
    lines = parameters.splitlines()
    settings = {key.strip(): _unquoted(value.strip()) for key, value in _SETTING.findall(lines[-1][:SETTINGS_LIMIT])}
    if len(settings) < _LEAST_SETTINGS:
        settings = {}
    else:
        lines.pop()
    prompt, marker, negative = ("\n" + "\n".join(lines)).partition("\nNegative prompt:")
    if not settings and not marker:
        return {}  # some other text that happens to be called "parameters"
    width, height = _two_numbers(settings.pop("Size", ""))
    version = settings.pop("Version", None)
    return _known(
        tool="mindseye" if version and version.startswith("mindseye") else "A1111",
        prompt=prompt.strip(),
        negative_prompt=_text(negative.strip()),
        seed=_whole(settings.pop("Seed", None)),
        steps=_whole(settings.pop("Steps", None)),
        guidance=_number(settings.pop("CFG scale", None)),
        sampler=settings.pop("Sampler", None),
        width=width,
        height=height,
        model=settings.pop("Model", None),
        version=version,
        more=settings or None,
    )


def _unquoted(value: str) -> str:
    if value.startswith('"'):
        try:
            return str(json.loads(value))
        except ValueError:
            return value
    return value


def _two_numbers(text: Any) -> tuple[int | None, int | None]:
    found = re.search(r"([0-9]{1,6})\D{1,3}([0-9]{1,6})", text) if isinstance(text, str) else None
    return (int(found[1]), int(found[2])) if found else (None, None)


# ------------------------------------------------------------------------------------------------- InvokeAI, Fooocus


def _invokeai(told: dict[str, Any]) -> dict[str, Any]:
    model = told.get("model")
    if isinstance(model, dict):
        model = model.get("name", model.get("model_name"))
    return _known(
        tool="InvokeAI",
        prompt=_text(told.get("positive_prompt")),
        negative_prompt=_text(told.get("negative_prompt")),
        seed=_whole(told.get("seed")),
        steps=_whole(told.get("steps")),
        guidance=_number(told.get("cfg_scale", told.get("guidance"))),
        sampler=_text(told.get("scheduler")),
        width=_whole(told.get("width")),
        height=_whole(told.get("height")),
        model=_text(model),
        version=_text(told.get("app_version")),
    )


def _fooocus(told: dict[str, Any]) -> dict[str, Any]:
    width, height = _two_numbers(told.get("resolution"))
    return _known(
        tool="Fooocus",
        prompt=_text(told.get("prompt")),
        negative_prompt=_text(told.get("negative_prompt")),
        seed=_whole(told.get("seed")),
        steps=_whole(told.get("steps")),
        guidance=_number(told.get("guidance_scale")),
        sampler=_text(told.get("sampler")),
        width=width,
        height=height,
        model=_text(told.get("base_model")),
        version=_text(told.get("version")),
    )


# ----------------------------------------------------------------------------------------------------------- ComfyUI

Graph = dict[str, dict[str, Any]]  # node id to {"class_type": name, "inputs": {name: value or [node id, output]}}

_TEXTS = ("text", "text_g", "t5xxl", "prompt", "string", "value")

# In a saved workflow the values of a node stand in a list; which is which, for the nodes that matter here.
_WIDGETS = {
    "KSampler": ("seed", "", "steps", "cfg", "sampler_name"),
    "KSamplerAdvanced": ("", "noise_seed", "", "steps", "cfg", "sampler_name"),
    "RandomNoise": ("noise_seed",),
    "KSamplerSelect": ("sampler_name",),
    "BasicScheduler": ("", "steps"),
    "FluxGuidance": ("guidance",),
    "CLIPTextEncode": ("text",),
    "EmptyLatentImage": ("width", "height"),
    "EmptySD3LatentImage": ("width", "height"),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "UNETLoader": ("unet_name",),
}


def _comfy_graph(texts: Mapping[str, str]) -> Graph:
    graph = {
        key: node
        for key, node in _json_object(texts.get("prompt", "")).items()
        if isinstance(node, dict) and isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), dict)
    }
    return graph or _graph_of_workflow(_json_object(texts.get("workflow", "")))


def _graph_of_workflow(workflow: dict[str, Any]) -> Graph:
    """The same graph from what the editor saves: nodes with value lists, and a table of links."""
    links = {
        link[0]: [str(link[1]), link[2]]
        for link in _list(workflow.get("links"))
        if isinstance(link, list) and len(link) >= 3 and isinstance(link[0], int)
    }
    graph: Graph = {}
    for node in _list(workflow.get("nodes")):
        if not isinstance(node, dict) or not isinstance(node.get("type"), str):
            continue
        values = zip(_WIDGETS.get(node["type"], ()), _list(node.get("widgets_values")), strict=False)
        inputs = {name: value for name, value in values if name}
        for plug in _list(node.get("inputs")):
            if isinstance(plug, dict) and isinstance(plug.get("link"), int) and plug["link"] in links:
                inputs[str(plug.get("name"))] = links[plug["link"]]
        graph[str(node.get("id"))] = {"class_type": node["type"], "inputs": inputs}
    return graph


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _comfyui(graph: Graph) -> dict[str, Any]:
    """What the first sampler of the graph was given, directly or through other nodes."""
    sampler = next((key for key, node in graph.items() if node["inputs"].keys() & {"positive", "guider"}), None)
    if sampler is None:
        return {"tool": "ComfyUI"}
    given = graph[sampler]["inputs"]

    def found(names: tuple[str, ...], convert: Callable[[Any], Any], start: Any = sampler, avoid: str = "") -> Any:
        return _nearest(graph, start, names, convert, avoid)

    return _known(
        tool="ComfyUI",
        prompt=found(_TEXTS, _text, _source(given.get("positive", given.get("guider"))), avoid="negative"),
        negative_prompt=found(_TEXTS, _text, _source(given.get("negative")), avoid="positive"),
        seed=found(("seed", "noise_seed"), _whole),
        steps=found(("steps",), _whole),
        guidance=found(("cfg", "guidance"), _number),
        sampler=found(("sampler_name",), _text),
        width=found(("width",), _whole),
        height=found(("height",), _whole),
        model=found(("ckpt_name", "unet_name"), _text),
    )


def _nearest(graph: Graph, start: Any, names: tuple[str, ...], convert: Callable[[Any], Any], avoid: str) -> Any:
    """The value of the first of `names` met while following the graph's links back from `start`, breadth first."""
    waiting, seen = deque([start]), {start}
    while waiting:
        node = graph.get(waiting.popleft(), {"class_type": "", "inputs": {}})
        if node["class_type"] == "ConditioningZeroOut":
            continue  # what comes before it has no effect
        for name in names:
            value = convert(node["inputs"].get(name))
            if value is not None:
                return value
        for name, value in node["inputs"].items():
            source = _source(value)
            if source is not None and source not in seen and name != avoid:
                seen.add(source)
                waiting.append(source)
    return None


def _source(value: Any) -> str | None:
    """The node that a link comes from; None for what is no link."""
    return str(value[0]) if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int) else None
