"""Every example in docstrings and documents runs and prints what it says; every documented function has one."""

from __future__ import annotations

import doctest
import importlib
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import stratocube
from stratocube import processing

PACKAGE = Path(stratocube.__file__).parent
REPOSITORY = Path(__file__).parents[2]
GUIDE = REPOSITORY / "docs" / "python-api.md"

REFERENCE_API = (
    *("merge", "blend", "compute_data_set_stats", "get_qa_mask", "QAConfidence", "extract_qa_bits"),
    *("radsat_extract_bits", "rescale", "linear_raster_scale", "match_histogram_with_merges", "generate_band_indexes"),
    *("create_empty_raster", "save_as_cog", "generate_cogs", "SmartDataSet", "check_file_integrity", "raster_extent"),
    *("raster_convexhull", "validate", "validate_merges", "post_processing_quality", "temporal_priority_timeline"),
    *(
        "timeline",
        "create_grids",
        "build_cube_path",
        "get_item_id",
        "generate_quick_look",
        "generate_rgb",
        "get_resample_method",
    ),
)
"""What cube-builder documents, by its names."""

_ROW = re.compile(r"^\| (?P<theirs>[^|]+) \| `(?P<ours>stratocube\.[\w.]+)` \|", re.MULTILINE)
_EXAMPLE = re.compile(r"^\s*>>> ", re.MULTILINE)
_BLOCK = re.compile(r"^```(?:python|pycon)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def modules_with_examples() -> list[str]:
    """By their text: importing the whole package just to look would take seconds."""
    files = [path for path in PACKAGE.rglob("*.py") if _EXAMPLE.search(path.read_text(encoding="utf-8"))]
    return sorted(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in files)


def documents() -> list[Path]:
    return [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]


def blocks_of(text: str) -> list[tuple[int, str]]:
    """The Python blocks of a document, each with the number of lines above it."""
    return [(text.count("\n", 0, match.start("code")), match["code"]) for match in _BLOCK.finditer(text)]


def examples_of(module: ModuleType) -> list[doctest.DocTest]:
    return [test for test in doctest.DocTestFinder().find(module) if test.examples]


def failures_of(test: doctest.DocTest, *, keep_names: bool = False) -> str:
    """What went wrong, as doctest reports it; empty when all is well."""
    report: list[str] = []
    doctest.DocTestRunner(verbose=False).run(test, out=report.append, clear_globs=not keep_names)
    return "".join(report)


def run_document(text: str, name: str) -> str:
    """Run the Python blocks of a document one after the other in one namespace. What went wrong, empty when all is
    well."""
    names: dict[str, Any] = {"__name__": "__main__"}
    report = ""
    for line, code in blocks_of(text):
        test = doctest.DocTestParser().get_doctest(code, names, name, name, line)
        if test.examples:
            test.globs = names
            report += failures_of(test, keep_names=True)
        else:
            exec(compile("\n" * line + code, name, "exec"), names)  # noqa: S102 - our own documents
    return report


def report_of(failures: str) -> None:
    """Fail with the report of doctest as it is."""
    if failures:
        pytest.fail(failures, pytrace=False)


def table_of(guide: str) -> dict[str, str]:
    """Text of the first column → name in the second."""
    return {match["theirs"]: match["ours"] for match in _ROW.finditer(guide)}


def resolved(dotted: str) -> Any:
    module, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(module), name)


GUIDE_TEXT = GUIDE.read_text(encoding="utf-8")
TABLE = table_of(GUIDE_TEXT)


@pytest.mark.parametrize("name", modules_with_examples())
def test_the_examples_of_docstrings_print_what_they_say(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = examples_of(importlib.import_module(name))
    assert tests, f"{name} has >>> outside of docstrings"
    for number, test in enumerate(tests):
        folder = tmp_path / str(number)  # every example starts in an empty folder
        folder.mkdir()
        monkeypatch.chdir(folder)
        assert not any(doctest.SKIP in example.options for example in test.examples), f"{test.name} is skipped"
        report_of(failures_of(test))


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_the_examples_of_documents_print_what_they_say(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    report_of(run_document(path.read_text(encoding="utf-8"), path.name))


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_documents_have_no_examples_that_nobody_runs(path: Path) -> None:
    assert ">>>" not in _BLOCK.sub("", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("theirs", "ours"), TABLE.items(), ids=TABLE.values())
def test_every_name_in_the_guide_exists_and_has_an_example(theirs: str, ours: str) -> None:
    found = resolved(ours)
    module = sys.modules[ours.rpartition(".")[0]]
    assert found.__module__ == module.__name__, f"{ours} lives in {found.__module__}"
    assert found.__doc__
    assert doctest.DocTestParser().get_examples(found.__doc__), f"{ours} has no example in its docstring"
    for name in (found.__name__, *re.findall(r"`(\w+)`", theirs)):
        assert name in processing.__all__
        assert getattr(processing, name) is found


@pytest.mark.parametrize("name", REFERENCE_API)
def test_everything_cube_builder_documents_is_in_the_guide_and_used_there(name: str) -> None:
    assert f"`{name}`" in TABLE
    assert re.search(rf"\b{name}\b", "".join(code for _, code in blocks_of(GUIDE_TEXT)))


def test_the_rows_of_the_guide_are_all_understood() -> None:
    rows = [line for line in GUIDE_TEXT.splitlines() if line.startswith("| ")]
    headings = [line for line in rows if line.startswith(("| cube-builder |", "| --- |"))]
    assert len(rows) - len(headings) == len(TABLE)


def test_the_public_names_are_sorted_and_there() -> None:
    assert list(processing.__all__) == sorted(set(processing.__all__))
    assert all(hasattr(processing, name) for name in processing.__all__)


def test_stratocube_itself_does_not_load_all_of_the_processing_functions() -> None:
    importers = [
        path
        for path in PACKAGE.rglob("*.py")
        if re.search(r"^\s*(from|import) stratocube\.processing\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert not importers


@pytest.mark.parametrize(
    ("document", "wrong"),
    [
        ("```pycon\n>>> 1 + 1\n3\n```\n", True),
        ("```pycon\n>>> 1 + 1\n2\n```\n", False),
        ("```python\nnumber = 1\n```\ntext\n```pycon\n>>> number\n1\n```\n", False),
        ("```pycon\n>>> one = 1\n```\n```pycon\n>>> one\n2\n```\n", True),
        ("```pycon\n>>> nothing\n```\n", True),
    ],
)
def test_a_document_that_prints_something_else_is_found(document: str, wrong: bool) -> None:
    assert bool(run_document(document, "a.md")) == wrong


def test_a_block_that_raises_fails() -> None:
    with pytest.raises(ZeroDivisionError):
        run_document("```python\n1 / 0\n```\n", "a.md")
