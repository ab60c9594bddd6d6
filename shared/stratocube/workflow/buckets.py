"""Buckets made on request: private, encrypted, over TLS only, and named after the stack."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from botocore.exceptions import ClientError

from stratocube.errors import Conflict, InvalidRequest
from stratocube.state.buckets import Buckets, MadeBucket

DEFAULT_REGION: Final = "us-east-1"
"""The one region whose buckets are made without naming it."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,61})[a-z0-9]")
_MISSING: Final = frozenset({"404", "NoSuchBucket", "NotFound"})
_TAKEN: Final = frozenset({"BucketAlreadyExists", "BucketAlreadyOwnedByYou"})


@dataclass(frozen=True)
class BucketMaker:
    """Makes the buckets of a stack."""

    noted: Buckets
    client: Callable[[], Any]
    """A boto3 S3 client, made when it is needed."""
    region: str
    prefix: str
    """What names of buckets begin with: the role may make no other."""
    tls_only: bool = True
    """False for an emulator that speaks plain HTTP."""

    def make(self, name: str, *, requester_pays: bool, now: str) -> MadeBucket:
        """Make a bucket. One that was begun with and interrupted is finished.

        Raises:
            InvalidRequest: for a name S3 does not take, or that does not begin with :attr:`prefix`.
            Conflict: when there is such a bucket, in this stack or anywhere else.
        """
        if not self.prefix:
            raise InvalidRequest("this stack makes no buckets: its prefix for their names is not set", field="name")
        if not name.startswith(self.prefix) or len(name) == len(self.prefix):
            raise InvalidRequest(f"must begin with {self.prefix} and go on", field="name")
        if not _NAME.fullmatch(name) or "--" in name or name.endswith(("-s3alias", "-an")):
            raise InvalidRequest(
                "must be 3 to 63 lower-case letters, digits and single hyphens, with a letter or digit at both ends",
                field="name",
            )
        noted = self.noted.find(name)
        if noted is None:
            self._refuse_taken(name)
        elif noted.made:
            raise Conflict(f"bucket {name} exists already: GET /list-buckets lists the buckets there are")
        bucket = MadeBucket(name, requester_pays, now)
        self.noted.save(bucket)
        self._create(name)
        self._protect(name)
        if requester_pays:
            payment = {"Payer": "Requester"}
            self.client().put_bucket_request_payment(Bucket=name, RequestPaymentConfiguration=payment)
        made = replace(bucket, made=True)
        self.noted.save(made)
        return made

    def _refuse_taken(self, name: str) -> None:
        """In one region S3 "makes" a bucket again that its owner has, so that the answer to that does not tell."""
        try:
            self.client().head_bucket(Bucket=name)
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return
        raise _taken(name)

    def _create(self, name: str) -> None:
        place = {} if self.region == DEFAULT_REGION else {"LocationConstraint": self.region}
        try:
            self.client().create_bucket(Bucket=name, **({"CreateBucketConfiguration": place} if place else {}))
        except ClientError as error:
            code = error.response["Error"]["Code"]
            # ours from the attempt before: nobody else has noted it
            if code == "BucketAlreadyOwnedByYou":
                return
            if code in _TAKEN:
                raise _taken(name) from error
            raise

    def _protect(self, name: str) -> None:
        s3 = self.client()
        closed = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=dict.fromkeys(closed, True))
        rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
        if self.tls_only:
            s3.put_bucket_policy(Bucket=name, Policy=json.dumps(_tls_policy(name, s3.meta.partition)))


def _tls_policy(name: str, partition: str) -> dict[str, Any]:
    arn = f"arn:{partition}:s3:::{name}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }


def _taken(name: str) -> Conflict:
    return Conflict(f"the name {name} is taken (names of buckets are unique in all of AWS): choose another one")
