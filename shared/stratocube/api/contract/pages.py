"""``/viewer``, ``/progress``, ``/web/{file}``."""

from __future__ import annotations

from stratocube.api.contract import HTML, Answer, Operation

OPERATIONS = (
    Operation(
        "GET",
        "/viewer",
        id="getViewer",
        tag="pages",
        summary="A page to look at products on a map, through time",
        answers={200: Answer("A page", str, media_type=HTML)},
        public=True,
    ),
    Operation(
        "GET",
        "/progress",
        id="getProgressPage",
        tag="pages",
        summary="A page of builds: how far they are, where, and what failed",
        answers={200: Answer("A page", str, media_type=HTML)},
        public=True,
    ),
    Operation(
        "GET",
        "/web/{file}",
        id="getPageFile",
        tag="pages",
        summary="A script or style sheet that pages load",
        answers={200: Answer("The file", str, media_type="text/*")},
        path_examples={"file": "viewer.js"},
        public=True,
        hidden=True,
    ),
)
