"""From corpus folders to utterances with hashes, durations and folds."""
