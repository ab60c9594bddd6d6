"""USGS: a Landsat Collection 2 product was written (topic ``public-c2-notify-v2``).

The message names the product and its folder; the folder has a STAC Item for each of surface reflectance (``_SR_stac``),
surface temperature (``_ST_stac``) and level 1. Real-time products are replaced within weeks by those of tier 1 or 2,
which are announced again, so they are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from stratocube.arrivals.values import Notice, Passed, ProductFolder
from stratocube.cube.schema import shown
from stratocube.errors import InvalidRequest

_PRODUCT: Final = re.compile(r"L[COTEM]\d{2}_L[12]\w{2}_\d{6}_\d{8}_\d{8}_02_(?P<tier>T1|T2|RT)")
_FOLDER: Final = re.compile(r"s3://(?P<bucket>[a-z0-9.-]{3,63})/(?P<prefix>[A-Za-z0-9_./-]{1,900}?)/?")


def is_one(message: Mapping[str, Any]) -> bool:
    """Whether a message names a Landsat product."""
    return "landsat_product_id" in message


def parse(message: Mapping[str, Any]) -> Notice:
    """The folder of the product.

    Raises:
        InvalidRequest: naming ``landsat_product_id`` or ``s3_location``, when it is none.
    """
    product_id = message["landsat_product_id"]
    match = _PRODUCT.fullmatch(product_id) if isinstance(product_id, str) else None
    if match is None:
        raise InvalidRequest(f"is no product of Collection 2: {shown(product_id)}", field="landsat_product_id")
    if match["tier"] == "RT":
        return Passed("a real-time product")
    location = message.get("s3_location")
    folder = _FOLDER.fullmatch(location) if isinstance(location, str) else None
    if folder is None or {"", ".", ".."} & set(folder["prefix"].split("/")):
        raise InvalidRequest(
            f"must be a folder such as s3://bucket/folder/, got {shown(location)}", field="s3_location"
        )
    prefix = folder["prefix"]
    if prefix.rsplit("/", 1)[-1] != product_id:
        raise InvalidRequest(f"does not end with {product_id}: {shown(location)}", field="s3_location")
    return ProductFolder(product_id, folder["bucket"], f"{prefix}/")
