"""Buckets made on request."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from stratocube.state.buckets import MadeBucket
from tests.unit.api.api_client import Client


def test_a_bucket_is_private_encrypted_and_refuses_requests_without_tls(client: Client) -> None:
    name = "test-data-private"

    reply = client.post("/create-bucket", {"name": name, "requester_pay": True})

    assert reply.status == 201
    assert (reply.body["name"], reply.body["requester_pay"], reply.body["products"]) == (name, True, False)
    s3 = client.services.buckets.client()
    assert set(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Resource"] == [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_bucket_of_products_leads_the_list(client: Client) -> None:
    for name in ("test-data-b", "test-data-a"):
        assert client.post("/create-bucket", {"name": name, "requester_pay": False}).status == 201

    reply = client.get("/list-buckets?limit=1")
    rest = client.get("/list-buckets?limit=1&next=test-data-a")

    assert [(bucket["name"], bucket["products"]) for bucket in reply.body] == [
        (client.services.products.bucket, True),
        ("test-data-a", False),
    ]
    assert [bucket["name"] for bucket in rest.body] == ["test-data-b"]
    assert "next=test-data-a" in reply.headers["Link"]


@pytest.mark.parametrize(
    "name", ["mine", "test-data-", "test-data-A", "test-data-a_b", "test-data-a--b", "test-data-" + "a" * 60, ""]
)
def test_a_name_that_is_not_the_stacks_or_not_s3s_is_refused(client: Client, name: str) -> None:
    reply = client.post("/create-bucket", {"name": name})

    assert reply.status == 400
    assert reply.body["errors"][0]["field"] == "name"


def test_a_bucket_is_made_once(client: Client) -> None:
    assert client.post("/create-bucket", {"name": "test-data-once"}).status == 201

    assert client.post("/create-bucket", {"name": "test-data-once"}).status == 409


def test_a_bucket_that_others_have_is_left_alone(client: Client) -> None:
    s3 = client.services.buckets.client()
    s3.create_bucket(Bucket="test-data-theirs")

    reply = client.post("/create-bucket", {"name": "test-data-theirs"})

    assert reply.status == 409
    assert "test-data-theirs" not in [bucket["name"] for bucket in client.get("/list-buckets").body]
    assert "PublicAccessBlock" not in s3.head_bucket(Bucket="test-data-theirs")


def test_what_was_interrupted_is_finished_by_the_next_request(client: Client) -> None:
    maker = client.services.buckets
    half = MadeBucket("test-data-half", requester_pays=False, created_at="2026-08-10T12:00:00.000000Z")
    maker.noted.save(half)
    maker.client().create_bucket(Bucket=half.name)
    assert [bucket["name"] for bucket in client.get("/list-buckets").body] == [client.services.products.bucket]

    assert client.post("/create-bucket", {"name": half.name, "requester_pay": False}).status == 201

    assert maker.noted.find(half.name) == replace(half, created_at="2026-08-10T12:00:00.250000Z", made=True)
    assert maker.client().get_bucket_policy(Bucket=half.name)["Policy"]
