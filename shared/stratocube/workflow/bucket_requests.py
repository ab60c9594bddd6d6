"""Requests to make buckets."""

from __future__ import annotations

from pydantic import Field

from stratocube.cube.schema import Flag, StrictModel


class BucketRequest(StrictModel):
    """A request to make a bucket, as cube-builder-aws takes it."""

    name: str = Field(min_length=3, max_length=63)
    """Begins with the stack's prefix."""
    requester_pay: Flag = True
    """Whether who reads from the bucket pays for that. Only this account can read, unless it lets others in."""
