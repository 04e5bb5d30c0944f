"""From corpus folders on disk to a manifest of utterances with folds."""
