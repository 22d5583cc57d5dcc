"""Milvus: an index on a server of its own, for codes by the hundred million or for many machines.

A `BINARY_VECTOR` field under `BIN_FLAT` and the Hamming distance: exact. The tests run against milvus-lite 2.5.1, which
is the same engine in this process and must be installed on its own (`milvus-lite==2.5.1 setuptools<81`): its version 3
has no binary vectors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Int, Int64, UInt8
from numpy.typing import NDArray

from mindseye.errors import BadInput, Unavailable
from mindseye.recall.bits import checked_bits, checked_codes
from mindseye.recall.index.interface import Nearest, Within, checked_count, checked_ids, padded, settled
from mindseye.recall.optional import optional

MOST_FOUND = 16_384  # what Milvus returns for one query at most
AT_ONCE = 1000  # rows in one message


class MilvusIndex:
    """See `HammingIndex`. The codes stay on the server: an index of the same name goes on where the last one was.

    Args:
        bits: of every code.
        address: "http://host:19530", or the path of a milvus-lite file.
        name: of the collection on the server; put the hasher's version into it, since codes of two hashers do not mix.

    Raises:
        Unavailable: pymilvus is missing, the server cannot be reached, or it has no binary vectors.
        BadInput: the collection is there and is none of ours, or its codes are of another width.
    """

    backend = "milvus"

    def __init__(self, bits: int, address: str, name: str) -> None:
        self.bits = checked_bits(bits)
        self.name = name
        milvus = optional("pymilvus", "milvus")
        try:
            self._client: Any = milvus.MilvusClient(address)
            if not self._client.has_collection(name):
                self._make(milvus)
            fields = {field["name"]: field for field in self._client.describe_collection(name)["fields"]}
        except milvus.MilvusException as error:
            raise Unavailable(
                f"{address} cannot hold an index",
                why=str(error),
                next_step="use a Milvus server of version 2.x, or milvus-lite 2.5.1",
            ) from error
        if not {"id", "code"} <= fields.keys() or fields["code"]["type"] != milvus.DataType.BINARY_VECTOR:
            raise BadInput(
                f"the collection {name} holds no codes",
                why=f"an index has an id and a code, a binary vector; its fields are {', '.join(fields) or 'none'}",
                next_step="use another name: the collection is left as it is",
            )
        width = fields["code"]["params"]["dim"]
        if width != bits:
            raise BadInput(
                f"the collection {name} holds codes of {width} bits, not of {bits}", next_step="use another name"
            )

    def __len__(self) -> int:
        return int(self._client.query(self.name, filter="", output_fields=["count(*)"])[0]["count(*)"])

    def add(self, ids: Int[np.ndarray, "code"], codes: UInt8[np.ndarray, "code byte"]) -> None:
        codes = checked_codes(codes, self.bits)
        asked = np.asarray(ids, np.int64).tolist()
        present = [row["id"] for part in _parts(asked) for row in self._client.get(self.name, ids=part)]
        good = checked_ids(ids, len(codes), np.array(present, np.int64)).tolist()
        for part in _parts([{"id": i, "code": code.tobytes()} for i, code in zip(good, codes, strict=True)]):
            self._client.insert(self.name, part)

    def remove(self, ids: Int[np.ndarray, "code"]) -> int:
        before = len(self)
        for part in _parts(np.asarray(ids, np.int64).tolist()):
            self._client.delete(self.name, ids=part)
        return before - len(self)

    def search(self, queries: UInt8[np.ndarray, "query byte"], k: int) -> Nearest:
        """At most 16,383 for each query.

        Raises:
            BadInput: `k` is more.
        """
        queries = checked_codes(queries, self.bits)
        if checked_count(k) >= MOST_FOUND:
            raise BadInput(f"Milvus cannot return {k} codes at once", next_step=f"ask for at most {MOST_FOUND - 1}")
        count = min(k, len(self))
        if count == 0:
            return padded(np.empty((len(queries), 0), np.int32), np.empty((len(queries), 0), np.int64), k, self.bits)
        answers = [self._asked(query, min(count + 1, len(self)), {}) for query in queries]
        apart, ids = np.stack([a.distances for a in answers]), np.stack([a.ids for a in answers])
        apart, ids = settled(apart, ids, count, lambda row, radius: self.within(queries[row : row + 1], radius)[0])
        return padded(apart, ids, k, self.bits)

    def within(self, queries: UInt8[np.ndarray, "query byte"], radius: int) -> list[Within]:
        """Raises:
        BadInput: more than 16,383 codes are so near to a query.
        """
        queries = checked_codes(queries, self.bits)
        if radius < 0 or len(self) == 0:
            return [Within(np.empty(0, np.int32), np.empty(0, np.int64)) for _ in queries]
        found = [self._asked(query, MOST_FOUND, {"radius": radius + 1}) for query in queries]  # it means "nearer than"
        if max(len(one.ids) for one in found) == MOST_FOUND:
            raise BadInput(
                f"more codes than Milvus returns at once are within {radius} bits", next_step="search nearer"
            )
        return found

    def contents(self) -> tuple[Int64[np.ndarray, "code"], UInt8[np.ndarray, "code byte"]]:
        rows: dict[int, bytes] = {}
        pages = self._client.query_iterator(self.name, batch_size=AT_ONCE, filter="", output_fields=["id", "code"])
        while page := pages.next():
            rows.update((row["id"], row["code"][0]) for row in page)
        ids = np.array(sorted(rows), np.int64)
        codes = np.frombuffer(b"".join(rows[i] for i in ids.tolist()), np.uint8)
        return ids, codes.reshape(len(ids), self.bits // 8)

    def _make(self, milvus: Any) -> None:
        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", milvus.DataType.INT64, is_primary=True)
        schema.add_field("code", milvus.DataType.BINARY_VECTOR, dim=self.bits)
        index = self._client.prepare_index_params()
        index.add_index("code", index_type="BIN_FLAT", metric_type="HAMMING")
        self._client.create_collection(self.name, schema=schema, index_params=index, consistency_level="Strong")

    def _asked(self, query: NDArray[np.uint8], limit: int, parameters: dict[str, int]) -> Within:
        """What the server answers for one query, in the order of (distance, id)."""
        how = {"metric_type": "HAMMING", "params": parameters}
        hits = self._client.search(self.name, [query.tobytes()], anns_field="code", limit=limit, search_params=how)[0]
        pairs = sorted((int(hit["distance"]), int(hit["id"])) for hit in hits)
        apart, ids = np.array(pairs, np.int64).reshape(-1, 2).T
        return Within(apart.astype(np.int32), ids)


def _parts(rows: list[Any]) -> list[list[Any]]:
    return [rows[at : at + AT_ONCE] for at in range(0, len(rows), AT_ONCE)]
