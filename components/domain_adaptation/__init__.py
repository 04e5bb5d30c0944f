"""A release's network adapted to a team's own recordings, measured, and judged."""
