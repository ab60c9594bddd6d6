"""``/list-buckets``, ``/create-bucket``."""

from __future__ import annotations

from typing_extensions import TypedDict

from stratocube.api.contract import Answer, Operation
from stratocube.api.contract.common import NEXT, limit
from stratocube.workflow.bucket_requests import BucketRequest


class Bucket(TypedDict):
    """A bucket of this stack."""

    name: str
    requester_pay: bool
    """Whether who reads from it pays for that."""
    products: bool
    """Whether products are written to it."""
    created_at: str | None
    """When it was made on request; null for the stack's own."""


OPERATIONS = (
    Operation(
        "GET",
        "/list-buckets",
        id="listBuckets",
        tag="buckets",
        summary="The bucket products are written to, and buckets made on request",
        query=(limit(100, "Buckets made on request"), NEXT),
        answers={
            200: Answer("A page of buckets by name, the stack's own before them", list[Bucket], headers=("Link",))
        },
    ),
    Operation(
        "POST",
        "/create-bucket",
        id="createBucket",
        tag="buckets",
        summary="Make a bucket: private, encrypted, over TLS only",
        description="Its name begins with the stack's prefix, which the answer to another name says. Products are not "
        "written to it: they have the stack's own.",
        request=BucketRequest,
        request_examples={"for scenes": {"name": "stratocube-data-scenes", "requester_pay": False}},
        answers={201: Answer("The bucket", Bucket)},
        problems={409: "There is a bucket of this name, here or anywhere else in AWS"},
    ),
)
