"""From bytes to samples and from samples to the input of a network."""
