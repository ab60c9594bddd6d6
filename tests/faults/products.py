"""What is published: read, checked to be whole, and compared with what a clean run published."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MULTIHASH_SHA256 = "1220"
_TIMES = ("created", "updated", "stratocube:revision")


@dataclass(frozen=True)
class Products:
    """Everything in the bucket of products."""

    documents: Mapping[str, Any]
    """STAC items and collections by key, without the times they were written at."""
    files: Mapping[str, bytes]
    """COGs and pictures by key."""

    @classmethod
    def nothing(cls) -> Products:
        """An empty bucket."""
        return cls({}, {})

    def check_whole(self) -> None:
        """Every file that an item lists is there, with the size and checksum it says."""
        for key, item in self.documents.items():
            for name, asset in item.get("assets", {}).items():
                if item["type"] != "Feature":
                    continue
                place = posixpath.normpath(posixpath.join(posixpath.dirname(key), asset["href"]))
                body = self.files.get(place)
                if body is None:
                    raise AssertionError(f"{key} lists {name}, and {place} is not there")
                checksum = _MULTIHASH_SHA256 + hashlib.sha256(body).hexdigest()
                if (asset["file:size"], asset["file:checksum"]) != (len(body), checksum):
                    raise AssertionError(f"{key} lists {name}, and {place} is another file")

    def check_part_of(self, clean: Products) -> None:
        """Whatever is listed is what the clean run listed under that name; collections may still grow."""
        for key, document in self.documents.items():
            if document["type"] == "Feature" and document != clean.documents.get(key):
                raise AssertionError(f"{key} is not the item of the clean run")
        for key, body in self.files.items():
            if key in clean.files and body != clean.files[key]:
                raise AssertionError(f"{key} is not the file of the clean run")

    def check_equal(self, clean: Products) -> None:
        """Byte for byte the same, but for the times in STAC; nothing more and nothing less."""
        for found, wanted in ((self.documents, clean.documents), (self.files, clean.files)):
            more, less = sorted(set(found) - set(wanted)), sorted(set(wanted) - set(found))
            if more or less:
                raise AssertionError(f"beside the clean run's: {more}; missing: {less}")
            changed = [key for key in wanted if found[key] != wanted[key]]
            if changed:
                raise AssertionError(f"not those of the clean run: {changed}")


def gather(objects: Mapping[str, bytes]) -> Products:
    """Sort a bucket's objects into documents and files."""
    documents = {key: _timeless(json.loads(body)) for key, body in objects.items() if key.endswith(".json")}
    return Products(documents, {key: body for key, body in objects.items() if key not in documents})


def _timeless(document: Any) -> Any:
    for name in _TIMES:
        document.get("properties", {}).pop(name, None)
        document.pop(name, None)
    return document
