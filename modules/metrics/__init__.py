"""Unweighted average recall, alone and as a TFMA metric; statistics over folds and speakers."""
