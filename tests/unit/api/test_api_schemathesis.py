"""schemathesis over the served document: whatever is sent, the answer is one that the document promises.

`tests/stack/test_schemathesis.py` does it over the embedded stack.
"""

from pathlib import Path

import pytest

from stratocube.api.contract.rooms import OPERATIONS
from tests.api_gateway import KEY, served
from tests.schemathesis_run import ALIKE, Run, schemathesis
from tests.unit.api.api_client import Client
from tests.unit.api.forms import cube_form, grid_form, start_form


@pytest.fixture(scope="module")
def filled(shared_client: Client) -> Client:
    """An API that has a grid, a cube and a build."""
    for path, form, status in (
        ("/create-grids", grid_form(), 201),
        ("/cubes", cube_form(), 201),
        ("/start", start_form(), 202),
    ):
        assert shared_client.post(path, form).status == status
    return shared_client


def test_the_operations_that_are_covered_by_others_are_there() -> None:
    assert set(ALIKE) <= {operation.id for operation in OPERATIONS}


def test_any_request_is_answered_as_the_document_promises(filled: Client, tmp_path: Path) -> None:
    run = Run(["examples", "coverage"], not_covered=(*ALIKE, "createCube"))

    with served(filled.api) as url:
        code, said = schemathesis(url, KEY, run, tmp_path)

    assert code == 0, said


@pytest.mark.slow
def test_every_bound_of_every_body_is_kept_as_the_document_promises(filled: Client, tmp_path: Path) -> None:
    with served(filled.api) as url:
        code, said = schemathesis(url, KEY, Run(["examples", "coverage"]), tmp_path)

    assert code == 0, said


def test_any_request_about_what_there_is_is_answered_as_the_document_promises(filled: Client, tmp_path: Path) -> None:
    (build,) = filled.services.builds.of_cube("S2-16D-1", limit=1)
    known = {"path.cube_id": "S2-16D-1", "path.build_id": build.build_id, "path.name": "BRAZIL_SM"}

    with served(filled.api) as url:
        run = Run(["fuzzing"], examples=3, parameters=known, left_out=("createCube", "createGrids"))
        code, said = schemathesis(url, KEY, run, tmp_path)

    assert code == 0, said
