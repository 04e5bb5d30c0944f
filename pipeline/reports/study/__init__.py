"""What a transfer study says: its tables, verdicts and figures, from the results in its store."""
