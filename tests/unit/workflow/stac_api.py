"""A STAC API on this machine that answers nobody without its token."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.storage.web import Answer, Web

TOKEN = "tok-Zq8vR2mX5wK1pL9s"  # noqa: S105 - made up: the tests look for it where it must not be
BEARER = f"Bearer {TOKEN}"


class Api(Web):
    """A STAC API with one scene, for those who send the token."""

    wanted = ("authorization", BEARER)
    items: list[dict[str, Any]]
    following = ""
    searches = 0

    def answer(self, path: str, wanted: str | None) -> Answer:
        if path in self.files or path in self.redirects or self.failures or self.always:
            return super().answer(path, wanted)
        _, _, headers = self.requests[-1]
        name, value = self.wanted
        if {key.lower(): text for key, text in headers.items()}.get(name) != value:
            return Answer(401, f"{headers} is no good".encode())
        if path == "/":
            links = [{"rel": "search", "href": self.url("/search"), "method": "GET"}]
            conforms = [f"https://api.stacspec.org/v1.0.0/{name}" for name in ("core", "item-search")]
            return self.json(
                {"type": "Catalog", "stac_version": "1.0.0", "id": "a", "description": "a"}
                | {"conformsTo": conforms, "links": links}
            )
        self.searches += 1
        links = [{"rel": "next", "href": self.following}] if self.following else []
        return self.json({"type": "FeatureCollection", "features": self.items, "links": links})

    @staticmethod
    def json(document: Any) -> Answer:
        return Answer(200, json.dumps(document).encode(), {"Content-Type": "application/json"})
