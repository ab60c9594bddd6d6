"""Reading and writing whole objects."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from stratocube.concurrency import for_each
from stratocube.errors import Conflict, InvalidRequest, SourceMissing, TransientRead

_SPOOL_BYTES = 1_048_576

_MISSING = {"NoSuchKey", "404", "NoSuchBucket", "NotFound"}


@dataclass(frozen=True)
class ObjectStore:
    """Objects of one bucket, through a boto3 S3 client."""

    s3: Any
    bucket: str

    def href(self, key: str) -> str:
        """``s3://bucket/key``."""
        return f"s3://{self.bucket}/{key}"

    def exists(self, key: str) -> bool:
        """Whether there is an object under the key."""
        try:
            self.s3.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if _code(error) in _MISSING:
                return False
            raise _read_error(self.href(key), error) from error
        return True

    def read(self, key: str) -> bytes:
        """The object's bytes.

        Raises:
            SourceMissing: when there is no such object.
            TransientRead: when it cannot be read now.
        """
        return read_object(self.s3, self.bucket, key)

    def read_json(self, key: str) -> Any:
        """The object parsed as JSON. Errors as :meth:`read`."""
        return json.loads(self.read(key))

    def put(self, key: str, body: bytes, *, content_type: str) -> None:
        """Write an object whole: S3 shows the old one or this one, never a part."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type)

    def put_json(self, key: str, value: Any, *, content_type: str = "application/json") -> None:
        """Write ``value`` as JSON."""
        self.put(key, json.dumps(value, separators=(",", ":")).encode(), content_type=content_type)

    def put_all_json(self, values: Iterable[tuple[str, Any]]) -> None:
        """Write (key, value) pairs as JSON, several at a time."""
        for_each(values, lambda pair: self.put_json(*pair))

    def put_json_list(self, key: str, elements: Iterable[Any]) -> None:
        """Write a JSON array whose elements are made one after the other: it may be larger than memory likes."""
        with SpooledTemporaryFile(max_size=_SPOOL_BYTES) as body:
            body.write(b"[")
            for position, element in enumerate(elements):
                body.write(b",\n" if position else b"\n")
                body.write(json.dumps(element, separators=(",", ":")).encode())
            body.write(b"\n]")
            body.seek(0)
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType="application/json")

    def read_versioned_json(self, key: str) -> tuple[Any, str] | None:
        """The object parsed as JSON with its ETag, None when there is none: for :meth:`swap_json`."""
        try:
            answer = self.s3.get_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if _code(error) in _MISSING:
                return None
            raise _read_error(self.href(key), error) from error
        return json.loads(answer["Body"].read()), answer["ETag"]

    def swap_json(self, key: str, value: Any, *, etag: str | None, content_type: str = "application/json") -> None:
        """Write ``value`` if the object is still the one with ``etag`` (None: if there is still no object).

        Raises:
            Conflict: when somebody else wrote it meanwhile: read again and merge again.
        """
        condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        body = json.dumps(value, separators=(",", ":")).encode()
        try:
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type, **condition)
        except ClientError as error:
            if _code(error) in {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}:
                raise Conflict(f"{self.href(key)} was written by somebody else meanwhile") from error
            raise


def read_object(s3: Any, bucket: str, key: str, *, limit: int | None = None) -> bytes:
    """An object's bytes. Errors as :meth:`ObjectStore.read`, and InvalidRequest for more than ``limit`` of them."""
    href = f"s3://{bucket}/{key}"
    try:
        answer = s3.get_object(Bucket=bucket, Key=key)
        if limit is not None and answer["ContentLength"] > limit:
            raise InvalidRequest(f"{href} holds more than {limit} bytes: split it", field="href")
        body: bytes = answer["Body"].read()
    except (ClientError, BotoCoreError) as error:
        raise _read_error(href, error) from error
    return body


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _read_error(href: str, error: Exception) -> Exception:
    if isinstance(error, ClientError):
        code = _code(error)
        if code in _MISSING:
            return SourceMissing(href, "there is no such object")
        if code in {"AccessDenied", "403"}:
            return SourceMissing(href, f"the function may not read it: {error}")
    return TransientRead(href, str(error))
