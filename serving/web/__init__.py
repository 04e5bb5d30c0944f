"""A page in the browser: record or choose a recording, and see what a model makes of it."""
