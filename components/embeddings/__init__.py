"""What the layers that a network holds make of clips, computed once per clip by Beam."""
