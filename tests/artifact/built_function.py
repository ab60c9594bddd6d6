"""Runs inside the runtime's Python, apart from everything of the tests: imports a built function and calls it.

Reads ``{"path": [folders], "event": event or null}``, puts the folders before the standard library as Lambda does,
and prints the answer as its last line.
"""

import json
import sys


class Context:
    """What powertools and the handlers read of Lambda's context."""

    function_name = "built"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:built"
    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """A minute."""
        return 60_000


def rasters_work() -> None:
    """GDAL writes a COG and PROJ knows its database: the layer's native libraries and data files are whole."""
    import numpy as np
    import rasterio
    from rasterio.io import MemoryFile
    from rasterio.transform import from_origin
    from rasterio.warp import transform

    data = np.arange(512 * 512, dtype="uint16").reshape(1, 512, 512)
    profile = {"driver": "COG", "width": 512, "height": 512, "count": 1, "dtype": "uint16", "compress": "DEFLATE"}
    with MemoryFile() as memory:
        with memory.open(crs="EPSG:32722", transform=from_origin(5e5, 8e6, 10, 10), **profile) as target:
            target.write(data)
        with rasterio.open(memory.name) as source:
            assert (source.read() == data).all()
    albers = "+proj=aea +lat_0=-12 +lon_0=-54 +lat_1=-2 +lat_2=-22 +x_0=5000000 +y_0=10000000 +ellps=GRS80 +units=m"
    (x,), (y,) = transform("EPSG:4326", albers, [-54.0], [-12.0])
    assert abs(x - 5e6) < 1e-3
    assert abs(y - 1e7) < 1e-3


def main() -> None:
    """Import ``app``, call its handler if there is an event, print what it answers."""
    request = json.loads(sys.stdin.read())
    sys.path[:0] = request["path"]
    import app

    if request["event"] is None:
        rasters_work()
        answer = {"imported": app.__name__}
    else:
        answer = app.handler(request["event"], Context())
    print(json.dumps(answer))


main()
