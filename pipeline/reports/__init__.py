"""What people read after a run: the report of a release, the report of a study."""
