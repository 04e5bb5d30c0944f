"""What the recordings in use are made of: TFDV statistics by domain."""
