"""Objects: the only room that knows S3 keys, and how GDAL is to read S3."""
