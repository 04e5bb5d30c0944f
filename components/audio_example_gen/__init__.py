"""AudioExampleGen: from a manifest of recordings to examples in five folds.

Nothing is imported here: Beam's worker processes need `ingest` only, and TFX takes seconds.
"""
