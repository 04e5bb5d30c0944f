"""From a trained network to a SavedModel that a stock TF Serving loads."""
