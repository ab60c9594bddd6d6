"""Arrays and rasters: masks, warps, composites, indexes, COGs. numpy and rasterio, no AWS, no environment."""
