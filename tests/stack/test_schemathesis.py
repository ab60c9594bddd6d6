"""schemathesis over the document that the embedded stack serves: through its gateway, with IAM enforced."""

from pathlib import Path

import pytest

from tests.schemathesis_run import ALIKE, Run, schemathesis
from tests.stack.conftest import Application

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def known(app: Application) -> dict[str, str]:
    """A build of a demo's cube that has ended: what the parameters of paths may be."""
    cube = app.stack.call("POST", "/cubes", app.example("cube_lcf"))
    build = app.build(app.example("start_lcf", tiles=["000000"]))
    return {
        "path.cube_id": cube["id"],
        "path.build_id": build.build_id,
        "path.unit_id": "000000_2023-08-01_2023-08-31",
        "path.tile": "000000",
        "path.collection_id": cube["id"],
        "path.name": cube["grs"],
        "query.cube_id": cube["id"],
    }


def test_any_request_is_answered_as_the_document_promises(app: Application, tmp_path: Path) -> None:
    # every bound of a definition and of a start: tests/unit/api/test_api_schemathesis.py
    run = Run(["examples", "coverage"], not_covered=(*ALIKE, "startBuild", "createCube"), seconds=3600)

    code, said = schemathesis(app.stack.url, app.stack.api_key, run, tmp_path)

    assert code == 0, said


def test_any_request_about_a_build_is_answered_as_the_document_promises(
    app: Application, known: dict[str, str], tmp_path: Path
) -> None:
    run = Run(["fuzzing"], examples=5, parameters=known, left_out=("createCube", "createGrids"), seconds=3600)

    code, said = schemathesis(app.stack.url, app.stack.api_key, run, tmp_path)

    assert code == 0, said
