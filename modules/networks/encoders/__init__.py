"""Trained speech encoders: their weights, where they are kept, and the files they come in."""
