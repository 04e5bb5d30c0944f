"""Whether a server answers what was evaluated, before a model is pushed."""
