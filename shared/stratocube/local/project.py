"""Where things are in a checkout of the project: the embedded stack deploys from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stratocube.errors import NotFound


@dataclass(frozen=True)
class Project:
    """A checkout."""

    root: Path

    @property
    def template(self) -> Path:
        return self.root / "infra" / "template.yaml"

    @property
    def demo(self) -> Path:
        """Scenes and requests of the demo."""
        return self.root / "examples" / "demo"

    @property
    def state(self) -> Path:
        """What a running embedded stack writes; not kept in git."""
        return self.root / ".stratocube"


def find_project(start: Path | None = None) -> Project:
    """The checkout that ``start`` (the working directory) is in, else the one this package was installed from.

    Raises:
        NotFound: when there is none.
    """
    begin = (start or Path.cwd()).resolve()
    package_root = Path(__file__).resolve().parents[3]
    for folder in (begin, *begin.parents, package_root):
        project = Project(folder)
        if project.template.is_file() and (folder / "shared" / "stratocube").is_dir():
            return project
    raise NotFound(f"{begin} is in no checkout of stratocube: the embedded stack is deployed from one")
