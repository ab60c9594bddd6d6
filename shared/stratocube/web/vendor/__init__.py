"""Libraries of the pages, as their authors publish them: see README.md beside this file."""
