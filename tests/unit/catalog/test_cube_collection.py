"""The STAC Collection of a cube."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pystac
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratocube.catalog.cube_collection import (
    CollectionInfo,
    ItemExtent,
    ProviderInfo,
    cube_collection,
    widen_extent,
    with_links_of,
)
from stratocube.catalog.products import CrsInfo, composite_item
from stratocube.catalog.quality_classes import SCL
from stratocube.errors import InvalidRequest

from .made import BANDS, make_product
from .stac_rules import errors_of, extension_errors, schema_errors

INFO = CollectionInfo(
    id="S2-1M-1",
    title="Sentinel-2, monthly",
    description="Least cloud cover first, one composite a month.",
    version="1",
    bands=BANDS,
    grid="SLOVENIA",
    crs=CrsInfo("EPSG:32633"),
    resolution=120.0,
    composite_function="LCF",
    temporal_composition={"schema": "Continuous", "unit": "month", "step": 1},
    license="CC-BY-4.0",
    license_href="https://creativecommons.org/licenses/by/4.0/",
    providers=(ProviderInfo("INPE", ("producer", "processor"), "https://www.inpe.br"),),
    keywords=("sentinel-2",),
    platforms=("sentinel-2a", "sentinel-2b"),
    resolution_m=120.0,
    bands_quicklook=("B04", "B04", "B04"),
    sources=(("sentinel-2-l2a", "https://stac.example.org/collections/sentinel-2-l2a"),),
)

AUGUST = ItemExtent(
    bbox=(15.0, 46.0, 15.5, 46.5),
    start=datetime(2023, 8, 1, tzinfo=UTC),
    end=datetime(2023, 8, 31, 23, 59, 59, tzinfo=UTC),
    bounds=(500_000.0, 5_090_000.0, 510_000.0, 5_100_000.0),
    tile="011009",
)
SEPTEMBER = ItemExtent(
    bbox=(15.5, 45.5, 16.0, 46.0),
    start=datetime(2023, 9, 1, tzinfo=UTC),
    end=datetime(2023, 9, 30, 23, 59, 59, tzinfo=UTC),
    bounds=(510_000.0, 5_080_000.0, 520_000.0, 5_090_000.0),
    tile="012010",
    href="./012010/item.json",
)


def test_a_collection_is_valid_by_core_schema_and_rules_of_extensions() -> None:
    without = replace(
        INFO,
        crs=CrsInfo(wkt2='PROJCRS["BDC"]'),
        temporal_composition=None,
        license="other",
        license_href=None,
        providers=(),
        keywords=(),
        platforms=(),
        resolution_m=None,
        bands_quicklook=(),
        sources=(),
    )
    for collection in (cube_collection(INFO, [AUGUST]), cube_collection(without, [AUGUST, SEPTEMBER])):
        assert schema_errors(collection) == []
        assert extension_errors(collection) == []
        json.dumps(collection, allow_nan=False)


def test_a_collection_says_how_to_look_at_it() -> None:
    assert cube_collection(INFO, [AUGUST])["renders"] == {
        "picture": {
            "title": "Red, green and blue: B04, B04, B04",
            "assets": ["B04", "B04", "B04"],
            "rescale": [[0.0, 3000.0]] * 3,
            "color_formula": "gamma RGB 1.6",
            "resampling": "average",
        },
        "ndvi": {
            "title": "NDVI",
            "assets": ["NDVI"],
            "rescale": [[-2000.0, 10000.0]],
            "colormap_name": "rdylgn",
            "resampling": "average",
        },
        "scl": {
            "title": "SCL",
            "assets": ["SCL"],
            "colormap": {str(one.value): f"#{one.color_hint}" for one in SCL},
            "resampling": "nearest",
        },
        "clearob": {
            "title": "CLEAROB",
            "assets": ["CLEAROB"],
            "rescale": [[0, 20]],
            "colormap_name": "viridis",
            "resampling": "nearest",
        },
    }
    limits = ((0.0, 2000.0), (0.0, 1500.0), (100.0, 900.0))
    shown = cube_collection(replace(INFO, channel_limits=limits), [AUGUST])["renders"]["picture"]
    assert shown["rescale"] == [list(one) for one in limits]
    assert "color_formula" not in shown


def test_collections_that_belong_together_are_linked_and_keep_all_links() -> None:
    first, second = (
        cube_collection(replace(INFO, related=(("related", name, f"../../{name}/v1/collection.json"),)), [AUGUST])
        for name in ("lcf", "med")
    )
    both = with_links_of(first, second)
    assert [(link["title"], link["href"]) for link in both["links"] if link["rel"] == "related"] == [
        ("lcf", "../../lcf/v1/collection.json"),
        ("med", "../../med/v1/collection.json"),
    ]
    assert with_links_of(both, first) == both
    assert errors_of(both) == []


def test_a_collection_says_what_the_cube_is() -> None:
    collection = cube_collection(INFO, [AUGUST])
    item_assets = collection.pop("item_assets")
    collection.pop("renders")
    assert collection == {
        "type": "Collection",
        "stac_version": "1.1.0",
        "stac_extensions": sorted(collection["stac_extensions"]),
        "id": "S2-1M-1",
        "title": "Sentinel-2, monthly",
        "description": "Least cloud cover first, one composite a month.",
        "version": "1",
        "license": "CC-BY-4.0",
        "keywords": ["sentinel-2"],
        "providers": [{"name": "INPE", "roles": ["producer", "processor"], "url": "https://www.inpe.br"}],
        "extent": {
            "spatial": {"bbox": [[15.0, 46.0, 15.5, 46.5]]},
            "temporal": {"interval": [["2023-08-01T00:00:00Z", "2023-08-31T23:59:59Z"]]},
        },
        "summaries": {
            "proj:code": ["EPSG:32633"],
            "bdc:tiles": ["011009"],
            "platform": ["sentinel-2a", "sentinel-2b"],
            "gsd": [120.0],
        },
        "cube:dimensions": {
            "x": {
                "type": "spatial",
                "axis": "x",
                "extent": [500_000.0, 510_000.0],
                "reference_system": 32633,
                "step": 120.0,
            },
            "y": {
                "type": "spatial",
                "axis": "y",
                "extent": [5_090_000.0, 5_100_000.0],
                "reference_system": 32633,
                "step": 120.0,
            },
            "temporal": {
                "type": "temporal",
                "extent": ["2023-08-01T00:00:00Z", "2023-08-31T23:59:59Z"],
                "step": "P1M",
            },
            "bands": {"type": "bands", "values": ["B04", "NDVI", "SCL", "CLEAROB"]},
        },
        "bdc:type": "cube",
        "bdc:grs": "SLOVENIA",
        "bdc:composite_function": "LCF",
        "bdc:temporal_composition": {"schema": "Continuous", "unit": "month", "step": 1},
        "bdc:bands_quicklook": ["B04", "B04", "B04"],
        "links": [
            {"rel": "license", "href": "https://creativecommons.org/licenses/by/4.0/"},
            {
                "rel": "derived_from",
                "href": "https://stac.example.org/collections/sentinel-2-l2a",
                "type": "application/json",
                "title": "sentinel-2-l2a",
            },
        ],
    }
    assert list(item_assets) == ["B04", "NDVI", "SCL", "CLEAROB"]
    assert item_assets["B04"]["bands"][0]["eo:common_name"] == "red"


@pytest.mark.parametrize(
    ("rule", "step"),
    [
        ({"schema": "Continuous", "unit": "day", "step": 16}, "P16D"),
        ({"schema": "Cyclic", "unit": "day", "step": 16, "cycle": {"unit": "year", "step": 1}}, None),
        ({"schema": "Continuous", "unit": "month", "step": 3, "intervals": ["12-01_02-28"]}, None),
        (None, None),
    ],
)
def test_the_step_of_time_is_given_only_where_it_is_regular(rule: dict[str, Any] | None, step: str | None) -> None:
    collection = cube_collection(replace(INFO, temporal_composition=rule), [AUGUST])
    assert collection["cube:dimensions"]["temporal"]["step"] == step


def test_a_new_item_widens_space_time_and_tiles() -> None:
    before = cube_collection(INFO, [AUGUST])
    kept = copy.deepcopy(before)
    after = widen_extent(before, [SEPTEMBER])
    assert before == kept
    assert after["extent"] == {
        "spatial": {"bbox": [[15.0, 45.5, 16.0, 46.5]]},
        "temporal": {"interval": [["2023-08-01T00:00:00Z", "2023-09-30T23:59:59Z"]]},
    }
    assert after["cube:dimensions"]["x"]["extent"] == [500_000.0, 520_000.0]
    assert after["cube:dimensions"]["y"]["extent"] == [5_080_000.0, 5_100_000.0]
    assert after["cube:dimensions"]["temporal"]["extent"] == ["2023-08-01T00:00:00Z", "2023-09-30T23:59:59Z"]
    assert after["summaries"]["bdc:tiles"] == ["011009", "012010"]
    assert after["links"][-1] == {"rel": "item", "href": "./012010/item.json", "type": "application/geo+json"}


def test_an_open_end_stays_open() -> None:
    collection = cube_collection(INFO, [AUGUST])
    collection["extent"]["temporal"]["interval"] = [["2023-08-01T00:00:00Z", None]]
    assert widen_extent(collection, [SEPTEMBER])["extent"]["temporal"]["interval"] == [["2023-08-01T00:00:00Z", None]]


def test_items_across_180_degrees_reach_round_the_world() -> None:
    fiji = replace(AUGUST, bbox=(179.0, -18.0, -179.0, -17.0))
    assert cube_collection(INFO, [fiji])["extent"]["spatial"]["bbox"] == [[-180.0, -18.0, 180.0, -17.0]]


def test_pystac_walks_a_tree_of_relative_links(tmp_path: Path) -> None:
    item = composite_item(
        make_product(collection_href="../collection.json"),
        start=date(2023, 8, 1),
        end=date(2023, 8, 31),
        composite_function="LCF",
        dates=[date(2023, 8, 15)],
    )
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "item.json").write_text(json.dumps(item))
    extent = replace(AUGUST, href="./a/item.json")
    (tmp_path / "collection.json").write_text(json.dumps(cube_collection(INFO, [extent])))
    found = list(pystac.Collection.from_file(str(tmp_path / "collection.json")).get_items())
    assert [one.id for one in found] == ["S2-1M_V1_011009_20230801"]
    assert found[0].assets["B04"].get_absolute_href() == str(tmp_path / "a" / "S2-1M_V1_011009_20230801_B04.tif")
    collection = found[0].get_collection()
    assert collection is not None
    assert collection.id == "S2-1M-1"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: cube_collection(INFO, []), "items: a collection begins with its first item"),
        (
            lambda: cube_collection(replace(INFO, extra_fields={"bdc:type": "x"}), [AUGUST]),
            "extra_fields.bdc:type: is written",
        ),
        (
            lambda: cube_collection(replace(INFO, providers=(ProviderInfo("x", ("owner",)),)), [AUGUST]),
            "providers.roles: 'owner' is no role",
        ),
        (lambda: widen_extent({"extent": {}}, [AUGUST]), "collection: is no collection of a cube"),
    ],
)
def test_what_would_make_a_wrong_collection_is_refused(make: Any, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        make()


@st.composite
def extents(draw: st.DrawFn) -> ItemExtent:
    west, south = draw(st.integers(-170, 170)), draw(st.integers(-80, 80))
    east = draw(st.sampled_from([west + 2, -179]))
    first = draw(st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001  bounds; the zone is given beside
    column = draw(st.integers(0, 9))
    return ItemExtent(
        (west, south, east, south + 1),
        first,
        first + (AUGUST.end - AUGUST.start),
        (column * 10.0, 0.0, column * 10.0 + 10, 10.0),
        f"00{column}000",
        draw(st.none() | st.just(f"./{column}.json")),
    )


@settings(deadline=None)
@given(st.lists(extents(), min_size=1, max_size=5), st.randoms())
def test_order_and_repetition_of_items_do_not_matter(items: list[ItemExtent], random: Any) -> None:
    collection = cube_collection(INFO, [AUGUST])
    at_once = widen_extent(collection, items)
    shuffled = [*items, random.choice(items)]
    random.shuffle(shuffled)
    one_by_one = collection
    for item in shuffled:
        one_by_one = widen_extent(one_by_one, [item])
    assert one_by_one == at_once
    assert widen_extent(at_once, items) == at_once


def test_links_of_two_cubes_do_not_depend_on_which_came_first() -> None:
    def of(cube: str) -> dict[str, Any]:
        links = [{"rel": "item", "href": "./a.json"}, {"rel": "related", "href": f"../{cube}/collection.json"}]
        return {"links": links}

    one, two = with_links_of(of("a"), of("b")), with_links_of(of("b"), of("a"))
    assert one == two == with_links_of(two, of("a"))
    assert [link["href"] for link in one["links"]] == ["./a.json", "../a/collection.json", "../b/collection.json"]
