"""``/estimate-cost``, and what builds say of their costs."""

from __future__ import annotations

from typing import Final, NotRequired

from typing_extensions import TypedDict

from stratocube.api.contract import Answer, Operation
from stratocube.cube.cost_form import CostForm


class CostParts(TypedDict):
    """US dollars by service."""

    functions: float
    """Lambda: time and calls."""
    step_functions: float
    dynamodb: float
    s3: float
    """Requests."""


class Used(TypedDict):
    """What a build uses of AWS, and what that costs before free tiers and discounts."""

    lambda_gb_seconds: float
    """Memory of the functions times the time they are charged for."""
    function_calls: int
    state_transitions: int
    """Of STANDARD executions."""
    express_requests: int
    """EXPRESS executions."""
    express_gb_seconds: float
    table_writes: int
    """Write request units."""
    table_reads: int
    """Read request units."""
    s3_puts: int
    s3_gets: int
    cost_usd: float
    """All of it, but for keeping the products and for traffic."""
    cost_parts_usd: CostParts
    region: str
    """Whose prices count."""
    architecture: str
    prices_date: str


class Estimate(Used):
    """What a build is expected to be."""

    is_estimate: bool
    units: int
    dates_per_unit: int
    """Assumed: nobody knows them before the search."""
    merges: int
    blends: int
    currency: str
    prices_overridden: list[str]
    """Prices that are not the list's."""
    seconds: float
    """From start to end, nothing else running."""
    read_gb: float
    """Of scenes and products, by functions."""
    stored_gb: float
    storage_usd_a_month: float
    pixel_gets: int
    """Requests of S3 that read pixels; they are in `s3_gets`."""
    at_most: NotRequired[bool]
    """Plan will choose among the units: the build costs no more than this."""
    assumptions: NotRequired[list[str]]


class Actual(Used):
    """What a build has used so far."""

    is_final: bool
    """Whether the build has ended."""


class Costs(TypedDict):
    """What was expected, and what it came to."""

    currency: str
    estimated: Estimate | None
    actual: Actual | None


class BuildPart(TypedDict):
    """As cube-builder-aws answers: tasks, items, and the price of functions in US dollars."""

    quantity_merges: int
    quantity_blends: int
    quantity_posblends: int
    """Indexes."""
    quantity_publish: int
    collection_items_irregular: int
    """Dates."""
    collection_items: int
    """Composites."""
    price_merges: float
    price_blends: float
    price_posblends: float
    """0: indexes are made when an item is published."""
    price_publish: float


class StoragePart(TypedDict):
    """As cube-builder-aws answers: GB, and US dollars a month."""

    size_cubes: float
    price_cubes: float
    size_irregular_cube: float
    price_irregular_cube: float


class EstimatedCost(TypedDict):
    """What a cube would cost."""

    build: BuildPart
    storage: StoragePart
    estimate: Estimate


_EXAMPLE: Final = {
    "satellite": "SENTINEL-2",
    "resolution": 10,
    "grid": "BRAZIL_SM",
    "start_date": "2023-01-01",
    "last_date": "2023-12-31",
    "quantity_bands": 5,
    "quantity_tiles": 4,
    "quantity_indexes": 2,
}

OPERATIONS = (
    Operation(
        "POST",
        "/estimate-cost",
        id="estimateCost",
        tag="builds",
        summary="What a build would cost",
        description="With the fields of cube-builder-aws, or with a start request in `start`. `prices` puts other "
        "prices in place of the public list's.",
        request=CostForm,
        request_examples={"a year of four tiles": _EXAMPLE},
        answers={200: Answer("Tasks, sizes and prices", EstimatedCost)},
        problems={404: "There is no such cube (`start`)"},
    ),
)
