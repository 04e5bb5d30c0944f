"""The figures of a study, a room each; the same results give the same bytes."""
