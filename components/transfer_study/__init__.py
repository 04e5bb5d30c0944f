"""The transfer study: every cell of the paper's tables, on transformed examples, resumable."""
