"""The tables of a study, a room each.

Numbers are UAR averaged over folds, or the relative gain of one such average over another, as in
the paper. What is missing is NaN here and `–` on paper; nothing is filled in.
"""
