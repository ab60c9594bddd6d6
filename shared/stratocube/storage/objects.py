"""Reading and writing whole objects."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    FlexibleChecksumError,
    IncompleteReadError,
    ResponseStreamingError,
)
from urllib3.exceptions import HTTPError

from stratocube.concurrency import for_each
from stratocube.errors import Conflict, InvalidRequest, SourceMissing, TransientRead

_SPOOL_BYTES = 1_048_576

_ATTEMPTS = 3
"""Reads of an object whose answers break off."""

_BROKEN_OFF = (ResponseStreamingError, IncompleteReadError, FlexibleChecksumError, HTTPError)
"""What is raised of an answer that ended in the middle: by boto3 of an object, by urllib3 of an error's text."""

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
        """The object parsed as JSON. Errors as :meth:`read`; SourceMissing also for one that is no JSON any more."""
        return self._parsed(key, self.read(key))

    def _parsed(self, key: str, body: bytes) -> Any:
        try:
            return json.loads(body)
        except ValueError as error:
            raise SourceMissing(self.href(key), f"it is damaged, no valid JSON: {error}") from error

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

    def delete(self, key: str) -> None:
        """Delete an object. One that is not there is no error."""
        self.s3.delete_object(Bucket=self.bucket, Key=key)

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys that begin so, in order."""
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
            for entry in page.get("Contents", ()):
                yield entry["Key"]

    def read_versioned_json(self, key: str) -> tuple[Any, str] | None:
        """The object parsed as JSON with its ETag, None when there is none: for :meth:`swap_json`."""
        try:
            body, etag = _get(self.s3, self.bucket, key)
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and _code(error) in _MISSING:
                return None
            raise _read_error(self.href(key), error) from error
        return self._parsed(key, body), etag

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
            # of one that is gone meanwhile S3 answers that there is no such key
            gone = etag is not None and _code(error) == "NoSuchKey"
            if gone or _code(error) in {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}:
                raise Conflict(f"{self.href(key)} was written by somebody else meanwhile") from error
            raise


def read_object(s3: Any, bucket: str, key: str, *, limit: int | None = None) -> bytes:
    """An object's bytes. Errors as :meth:`ObjectStore.read`, and InvalidRequest for more than ``limit`` of them."""
    href = f"s3://{bucket}/{key}"
    try:
        body, _ = _get(s3, bucket, key, limit=limit)
    except (ClientError, BotoCoreError) as error:
        raise _read_error(href, error) from error
    return body


def _get(s3: Any, bucket: str, key: str, *, limit: int | None = None) -> tuple[bytes, str]:
    """An object's bytes and ETag. boto3 asks again only for an answer that does not begin: one that breaks off in the
    middle is asked for again here."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            answer = s3.get_object(Bucket=bucket, Key=key)
            if limit is not None and answer["ContentLength"] > limit:
                raise InvalidRequest(f"s3://{bucket}/{key} holds more than {limit} bytes: split it", field="href")
            return answer["Body"].read(), answer["ETag"]
        except _BROKEN_OFF as error:
            if attempt == _ATTEMPTS:
                raise TransientRead(f"s3://{bucket}/{key}", f"{error} (tried {attempt} times)") from error
    raise ValueError("a read is attempted at least once")


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
