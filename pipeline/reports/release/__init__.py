"""The report of a release: what its run did, read back and put on one page."""
