"""DynamoDB and S3 in memory, counting what they are asked and what it would cost.

The state classes and object stores run unchanged: :func:`tables_in_memory` takes the place of the call pynamodb makes
to botocore, :class:`MemoryS3` that of a boto3 client.
"""

from __future__ import annotations

import bisect
import hashlib
import io
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest import mock

from botocore.exceptions import ClientError
from pynamodb.connection.base import Connection

from benchmarks.conditions import holds, updated

PAGE_BYTES = 1_048_576
"""What a Query reads before it ends its page."""

READ_UNIT_BYTES, WRITE_UNIT_BYTES = 4096, 1024

Json = dict[str, Any]


@dataclass
class Counts:
    """What was asked, of both services."""

    calls: Counter[str] = field(default_factory=Counter)
    """By operation: ``PutItem``, ``PutObject`` …"""
    read_units: float = 0.0
    write_units: float = 0.0
    put_bytes: int = 0
    got_bytes: int = 0
    largest_item: int = 0
    """Bytes of the largest record ever stored."""

    @property
    def table_reads(self) -> int:
        """Requests that read a table."""
        return sum(self.calls[name] for name in ("GetItem", "BatchGetItem", "Query"))

    @property
    def table_writes(self) -> int:
        """Requests that write a table."""
        return sum(self.calls[name] for name in ("PutItem", "UpdateItem", "BatchWriteItem"))

    @property
    def s3_requests(self) -> int:
        """Requests of S3."""
        return sum(self.calls[name] for name in ("PutObject", "GetObject", "HeadObject"))


class MemoryTables:
    """Tables by name: items by hash and range key, as DynamoDB orders them."""

    def __init__(self, counts: Counts, keys: Mapping[str, tuple[str, str | None]], *, forgetful: bool = False) -> None:
        self._counts = counts
        self._keys = keys
        self.forgetful = forgetful
        """Counts what is written and keeps nothing of it: to measure the memory of who writes."""
        self._items: dict[str, dict[str, dict[str, Json]]] = defaultdict(lambda: defaultdict(dict))
        self._order: dict[tuple[str, str], list[str]] = defaultdict(list)

    def call(self, operation: str, request: Json) -> Json:
        """What botocore's client answers to an operation."""
        self._counts.calls[operation] += 1
        operations: Mapping[str, Callable[[Json], Json]] = {
            "PutItem": self._put_item,
            "UpdateItem": self._update_item,
            "GetItem": self._get_item,
            "BatchWriteItem": self._batch_write,
            "BatchGetItem": self._batch_get,
            "Query": self._query,
        }
        return operations[operation](request)

    def _key(self, table: str, item: Mapping[str, Any]) -> tuple[str, str]:
        hash_name, range_name = self._keys[table]
        return str(item[hash_name]["S"]), str(item[range_name]["S"]) if range_name else ""

    def _find(self, table: str, item: Mapping[str, Any]) -> Json | None:
        hash_key, range_key = self._key(table, item)
        return self._items[table][hash_key].get(range_key)

    def _store(self, table: str, item: Json) -> None:
        hash_key, range_key = self._key(table, item)
        partition = self._items[table][hash_key]
        if range_key not in partition and not self.forgetful:
            bisect.insort(self._order[table, hash_key], range_key)
        size = item_size(item)
        self._counts.largest_item = max(self._counts.largest_item, size)
        self._counts.write_units += math.ceil(max(size, item_size(partition.get(range_key, {}))) / WRITE_UNIT_BYTES)
        if not self.forgetful:
            partition[range_key] = item

    def _check(self, operation: str, request: Json, item: Json) -> None:
        condition = request.get("ConditionExpression")
        if condition and not holds(
            condition, request["ExpressionAttributeNames"], request.get("ExpressionAttributeValues", {}), item
        ):
            self._counts.write_units += math.ceil(max(item_size(item), 1) / WRITE_UNIT_BYTES)
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException", "Message": condition}}, operation)

    def _put_item(self, request: Json) -> Json:
        table, item = request["TableName"], request["Item"]
        self._check("PutItem", request, self._find(table, item) or {})
        self._store(table, item)
        return {}

    def _update_item(self, request: Json) -> Json:
        table, key = request["TableName"], request["Key"]
        before = self._find(table, key) or {}
        self._check("UpdateItem", request, before)
        names, values = request["ExpressionAttributeNames"], request.get("ExpressionAttributeValues", {})
        item = updated(request["UpdateExpression"], names, values, before) | key
        self._store(table, item)
        return {"Attributes": item}

    def _get_item(self, request: Json) -> Json:
        item = self._find(request["TableName"], request["Key"])
        self._read(item_size(item or {}), consistent=request.get("ConsistentRead", False))
        return {"Item": item} if item else {}

    def _batch_write(self, request: Json) -> Json:
        for table, writes in request["RequestItems"].items():
            for write in writes:
                self._store(table, write["PutRequest"]["Item"])
        return {"UnprocessedItems": {}}

    def _batch_get(self, request: Json) -> Json:
        found: dict[str, list[Json]] = {}
        for table, wanted in request["RequestItems"].items():
            items = [self._find(table, key) for key in wanted["Keys"]]
            for item in items:
                self._read(item_size(item or {}), consistent=wanted.get("ConsistentRead", False))
            found[table] = [item for item in items if item is not None]
        return {"Responses": found, "UnprocessedKeys": {}}

    def _query(self, request: Json) -> Json:
        table = request["TableName"]
        if "IndexName" in request:
            raise ValueError("the pipeline asks no index")
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        hash_name, range_name = self._keys[table]
        condition = request["KeyConditionExpression"]
        # "(#0 = :0 AND begins_with (#1, :1))": the state classes ask for prefixes, or for a whole partition
        hash_key, prefix = values[":0"]["S"], values.get(":1", {"S": ""})["S"]
        if names["#0"] != hash_name or (":1" in values and "begins_with (#1, :1)" not in condition):
            raise ValueError(f"a query this cannot do: {condition}")
        partition, order = self._items[table][hash_key], self._order[table, hash_key]
        last = request.get("ExclusiveStartKey")
        position = bisect.bisect_right(order, last[range_name]["S"]) if last else bisect.bisect_left(order, prefix)
        size, items = 0, []
        while position < len(order) and order[position].startswith(prefix):
            item = partition[order[position]]
            size += item_size(item)
            items.append(item)
            position += 1
            if size >= PAGE_BYTES or len(items) == request.get("Limit"):
                break
        self._read(size, consistent=request.get("ConsistentRead", False))
        answer: Json = {"Items": items, "Count": len(items), "ScannedCount": len(items)}
        if items and position < len(order) and order[position].startswith(prefix):
            answer["LastEvaluatedKey"] = {name: items[-1][name] for name in (hash_name, range_name) if name}
        return answer

    def _read(self, size: int, *, consistent: bool) -> None:
        self._counts.read_units += max(1, math.ceil(size / READ_UNIT_BYTES)) * (1.0 if consistent else 0.5)


def item_size(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Bytes DynamoDB counts for an item: names and values in UTF-8, numbers about half their digits."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        return len(content) // 2 + 1
    if kind == "L":
        return 3 + sum(1 + _value_size(element) for element in content)
    return 1


@contextmanager
def tables_in_memory(tables: MemoryTables) -> Iterator[None]:
    """Within the block every pynamodb model reads and writes ``tables``."""

    def call(connection: Connection, operation: str, request: Json) -> Json:
        return tables.call(operation, request)

    with mock.patch.object(Connection, "_make_api_call", call):
        yield


class MemoryS3:
    """What the object stores ask of a boto3 S3 client."""

    def __init__(self, counts: Counts, *, forgetful: bool = False) -> None:
        self._counts = counts
        self.forgetful = forgetful
        self._objects: dict[tuple[str, str], bytes] = {}
        self.meta = SimpleNamespace(region_name="us-east-1")

    def put_object(self, *, Bucket: str, Key: str, Body: bytes | io.IOBase, **options: Any) -> Json:  # noqa: N803
        """Store an object; ``IfMatch`` and ``IfNoneMatch`` as S3 takes them."""
        self._counts.calls["PutObject"] += 1
        before = self._objects.get((Bucket, Key))
        if (options.get("IfNoneMatch") and before is not None) or (
            "IfMatch" in options and (before is None or options["IfMatch"] != _etag(before))
        ):
            raise ClientError({"Error": {"Code": "PreconditionFailed", "Message": Key}}, "PutObject")
        if self.forgetful:
            self._counts.put_bytes += _drained(Body)
            return {}
        content = Body if isinstance(Body, bytes) else Body.read()
        self._counts.put_bytes += len(content)
        self._objects[Bucket, Key] = content
        return {"ETag": _etag(content)}

    def get_object(self, *, Bucket: str, Key: str, **_: Any) -> Json:  # noqa: N803 - boto3's names
        """An object's bytes."""
        self._counts.calls["GetObject"] += 1
        content = self._find(Bucket, Key, "GetObject")
        self._counts.got_bytes += len(content)
        return {"Body": io.BytesIO(content), "ETag": _etag(content)}

    def head_object(self, *, Bucket: str, Key: str) -> Json:  # noqa: N803 - boto3's names
        """Whether an object is there."""
        self._counts.calls["HeadObject"] += 1
        content = self._find(Bucket, Key, "HeadObject")
        return {"ContentLength": len(content), "ETag": _etag(content)}

    def stored(self, bucket: str, key: str) -> bytes:
        """An object, not counted: as Step Functions reads it."""
        return self._objects[bucket, key]

    def _find(self, bucket: str, key: str, operation: str) -> bytes:
        try:
            return self._objects[bucket, key]
        except KeyError:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": key}}, operation) from None


def _etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _drained(body: bytes | io.IOBase) -> int:
    """Length of a body, read piece by piece as a connection would."""
    if isinstance(body, bytes):
        return len(body)
    total = 0
    while piece := body.read(65_536):
        total += len(piece)
    return total
