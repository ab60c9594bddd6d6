"""Pages to look at cubes and builds: static files, no build step. ``api/pages.py`` serves them."""
