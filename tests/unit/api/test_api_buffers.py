"""Buffers of a mask are checked against the grid when the cube is made, not when its first merge fails."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.api.api_client import Client
from tests.unit.api.forms import cube_form, grid_form


def with_buffer(**lengths: float) -> dict[str, Any]:
    """A cube whose mask widens its clouds."""
    form = cube_form()
    mask = form["parameters"]["mask"]
    mask["buffers"] = [{"values": mask["not_clear_data"][:1], **lengths}]
    return form


@pytest.fixture
def gridded(client: Client) -> Client:
    assert client.post("/create-grids", grid_form()).status == 201
    return client


def test_a_cube_with_buffers_is_created_and_read_back(gridded: Client) -> None:
    form = with_buffer(dilate_m=120)

    assert gridded.post("/cubes", form).status == 201

    found = gridded.get("/cubes/S2-16D-1").body
    assert found["parameters"]["mask"]["buffers"] == form["parameters"]["mask"]["buffers"]


def test_a_buffer_of_less_than_a_pixel_is_refused(gridded: Client) -> None:
    reply = gridded.post("/cubes", with_buffer(dilate_m=5))

    assert reply.status == 400
    (error,) = reply.body["errors"]
    assert error["field"] == "parameters.mask.buffers.0.dilate_m"
    assert error["message"].startswith("5 m is less than a pixel (10 m)")


def test_buffers_on_a_grid_in_degrees_are_refused(client: Client) -> None:
    degrees = {"name": "BRAZIL_SM", "crs": "EPSG:4326", "bbox": [-54, -13, -52, -12], "tile_size": [1.0, 1.0]}
    assert client.post("/create-grids", degrees).status == 201

    reply = client.post("/cubes", with_buffer(dilate_m=120) | {"resolution": 0.001})

    assert reply.status == 400
    (error,) = reply.body["errors"]
    assert error["field"] == "parameters.mask.buffers"
    assert "the grid is in degrees" in error["message"]
