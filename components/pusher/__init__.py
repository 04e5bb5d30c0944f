"""Copies a blessed model to where servers look for it."""
