"""Adapting a pre-trained network to a team's own few clips, and what that is worth."""
