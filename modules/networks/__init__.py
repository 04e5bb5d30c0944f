"""Networks and the transfer approaches: what is built, and which of its layers are kept."""
