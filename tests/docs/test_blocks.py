"""No block of README and documents goes untested: each is run, or parsed by what it is for, or says why it is not."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from jsonschema import ValidationError

from stratocube.errors import InvalidRequest
from stratocube.local.packaging import load_template
from tests.docs.blocks import DOCS, REPOSITORY, Block, blocks_of, pages
from tests.docs.commands import problems_of
from tests.docs.schemas import check_json

SHELL = {"bash", "sh"}
PYTHON = {"python", "pycon"}
"""Run by tests/unit/test_examples.py."""
PROSE = {"text"}
"""Pictures and what programs print."""

RUNNERS = {
    "readme": "tests.docs.test_walkthrough",
    "embedded": "tests.docs.test_walkthrough",
    "dev": "tests.artifact.test_sam_deploy",
    "prod": "tests.artifact.test_sam_deploy",
    "guided": "tests.artifact.test_sam_deploy",
}
"""Which test runs the blocks of a name."""

NOT_RUN = {
    "README.md": [
        ".ci/run runs it first of all, with nothing installed",
        "docs/deploy.md has the same commands, run there",
        ".ci/run runs it",
    ],
    "docs/arrivals.md": ["needs a stack on AWS with a dead letter"],
    "docs/deploy.md": ["the emulator's API has no address on AWS"],
    "docs/index.md": [".ci/run runs it first of all, with nothing installed"],
    "docs/operate.md": ["asks the deployed stack"],
    "docs/operations.md": [
        "needs a stack on AWS with a failed event; tests/stack/test_dead_letters.py does it",
        "needs the AWS command line 2 and a failed event",
    ],
    "docs/scenes.md": ["names folders and buckets of yours; tests/stack/test_scene_files.py does it"],
    "docs/security.md": ["needs an account on AWS, and a token"],
}
"""Every block that no test runs, with the reason. Nothing joins this list unseen."""


def all_blocks() -> list[Block]:
    return [block for page in pages() for block in blocks_of(page)]


BLOCKS = all_blocks()
UNRUN = [block for block in BLOCKS if block.kind == "not run"]
JSON = [block for block in BLOCKS if block.language == "json"]


def name_of(block: Block) -> str:
    return block.place


@pytest.mark.parametrize("block", BLOCKS, ids=name_of)
def test_a_block_is_of_a_language_and_says_how_it_is_held_true(block: Block) -> None:
    kind, note = block.kind, block.note
    if block.language in SHELL:
        assert kind in {"run", "not run"}, "say above it: <!-- run: NAME --> or <!-- not run: WHY -->"
    elif block.language == "json":
        assert kind == "json", "say above it: <!-- json: METHOD /path request -->"
    else:
        assert block.language in PYTHON | PROSE, f"say what language it is: {sorted(SHELL | PYTHON | PROSE | {'json'})}"
        assert kind is None
    if kind == "run":
        assert note in RUNNERS


def test_the_list_of_blocks_that_are_not_run_is_complete() -> None:
    found: dict[str, list[str]] = {}
    for block in UNRUN:
        found.setdefault(block.page.relative_to(REPOSITORY).as_posix(), []).append(block.note)
    assert found == NOT_RUN


@pytest.mark.parametrize("name", sorted(RUNNERS))
def test_whoever_is_said_to_run_blocks_asks_for_them(name: str) -> None:
    text = Path(str(importlib.import_module(RUNNERS[name]).__file__)).read_text()
    assert f'"{name}"' in text
    assert any((block.kind, block.note) == ("run", name) for block in BLOCKS)


@pytest.mark.parametrize("block", UNRUN, ids=name_of)
def test_the_commands_of_a_block_that_is_not_run_exist_with_their_options(block: Block) -> None:
    assert problems_of(block.text) == []


@pytest.mark.parametrize("block", JSON, ids=name_of)
def test_json_is_what_the_api_takes_or_gives(block: Block) -> None:
    check_json(block.text, block.note)


def test_what_ci_is_said_to_run_it_runs() -> None:
    text = (REPOSITORY / ".ci" / "run").read_text()
    assert re.search(r"^make demo\b", text, re.MULTILINE)
    assert re.search(r"^make test$", text, re.MULTILINE)
    for mark in ("build", "slow"):
        assert re.search(rf"-m {mark}\b", text), f"nobody runs pytest -m {mark}"


def test_the_parameters_and_alarms_that_documents_name_are_in_the_template() -> None:
    template = load_template(REPOSITORY / "infra" / "template.yaml")
    known = {*template["Parameters"], *template["Resources"], *template["Outputs"]}
    table = re.compile(r"^\| ((?:`[A-Z]\w+`(?:, )?)+) \|", re.MULTILINE)
    for page in ("deploy.md", "operate.md", "operations.md"):
        named = {
            name for row in table.findall((DOCS / page).read_text(encoding="utf-8")) for name in re.findall(r"\w+", row)
        }
        wrong = {name for name in named if name not in known and not name.endswith(("Error", "Missing", "Read"))}
        assert wrong == set(), page


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("stratocube start file.json --wacth", "No such option: --wacth"),
        ("stratocube begin", "No such command 'begin'"),
        ("aws sqs recieve-message", "sqs has no recieve-message"),
        ("aws sqs receive-message --queue x", "no option --queue"),
        ("key=$(aws apigatway get-api-key)", "AWS has no service apigatway"),
        ("sam deploy --no-confirm-changesets", "no option --no-confirm-changesets"),
        ("make no-such-target", "no target no-such-target"),
        ("curl https://example.org", "curl is a command nobody checks"),
    ],
)
def test_a_command_that_does_not_exist_is_found(script: str, problem: str) -> None:
    (found,) = problems_of(script)
    assert problem in found


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ('{"name": "X", "crs": "EPSG:32633", "bbox": [1, 2, 3, 4], "tile_sise": [1, 1]}', "POST /create-grids request"),
        ('{"status": "SUCCESS"}', "POST /builds/{build_id}/cancel 200"),
        ('{"since": 7}', "POST /builds/{build_id}/retry request"),
        ('"sources": [{"stac_url": "ftp://example.org"}]', "part of POST /start request"),
    ],
)
def test_json_that_is_something_else_is_found(text: str, note: str) -> None:
    with pytest.raises((ValidationError, InvalidRequest)):
        check_json(text, note)
