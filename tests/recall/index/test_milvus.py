"""What the Milvus index refuses. No server answers here: a stand-in for the package `pymilvus` says what one would.

That a real one gives the right answers is tested in `test_conformance.py`, where milvus-lite is installed.
"""

from __future__ import annotations

import sys
from enum import IntEnum
from types import SimpleNamespace
from typing import Any

import pytest

from mindseye.errors import BadInput, Unavailable
from mindseye.recall.index import MilvusIndex


class DataType(IntEnum):
    """The numbers of pymilvus."""

    INT64 = 5
    VARCHAR = 21
    BINARY_VECTOR = 100
    FLOAT_VECTOR = 101


class MilvusException(Exception):
    pass


class StandIn:
    """A server with the collection "there", whose fields are given, and no binary vectors."""

    def __init__(self, fields: list[dict[str, Any]]) -> None:
        self.fields = fields

    def has_collection(self, name: str) -> bool:
        return name == "there"

    def describe_collection(self, name: str) -> dict[str, Any]:
        return {"collection_name": name, "fields": self.fields}

    def create_schema(self, **settings: Any) -> Any:
        return SimpleNamespace(add_field=lambda *field, **how: None)

    def prepare_index_params(self) -> Any:
        return SimpleNamespace(add_index=lambda *field, **how: None)

    def create_collection(self, name: str, **settings: Any) -> None:
        raise MilvusException("data type: BinaryVector is not supported")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The fields of the collection that is there, to be filled in."""
    fields: list[dict[str, Any]] = []
    package = SimpleNamespace(
        MilvusClient=lambda address: StandIn(fields), MilvusException=MilvusException, DataType=DataType
    )
    monkeypatch.setitem(sys.modules, "pymilvus", package)
    return fields


def test_a_server_that_has_no_binary_vectors_is_refused_as_told_by_a_stand_in(server: list[dict[str, Any]]) -> None:
    with pytest.raises(Unavailable, match="cannot hold an index") as caught:
        MilvusIndex(64, "http://milvus:19530", "new")
    assert "BinaryVector is not supported" in caught.value.why
    assert "version 2" in caught.value.next_step


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [{"name": "id", "type": DataType.INT64}, {"name": "text", "type": DataType.VARCHAR}],
        [{"name": "code", "type": DataType.BINARY_VECTOR, "params": {"dim": 64}}],
        [
            {"name": "id", "type": DataType.INT64},
            {"name": "code", "type": DataType.FLOAT_VECTOR, "params": {"dim": 64}},
        ],
    ],
)
def test_a_collection_of_somebody_else_is_refused_by_name(
    server: list[dict[str, Any]], fields: list[dict[str, Any]]
) -> None:
    server += fields
    with pytest.raises(BadInput, match="the collection there holds no codes") as caught:
        MilvusIndex(64, "http://milvus:19530", "there")
    assert "another name" in caught.value.next_step
    assert all(field["name"] in caught.value.why for field in fields)


def test_codes_of_another_width_are_refused_and_of_the_same_taken(server: list[dict[str, Any]]) -> None:
    server += [
        {"name": "id", "type": DataType.INT64},
        {"name": "code", "type": DataType.BINARY_VECTOR, "params": {"dim": 64}},
    ]
    with pytest.raises(BadInput, match="64 bits, not of 128"):
        MilvusIndex(128, "http://milvus:19530", "there")
    assert MilvusIndex(64, "http://milvus:19530", "there").bits == 64
