"""Names of what Embeddings takes and leaves."""

TRANSFORMED_EXAMPLES = "transformed_examples"
EMBEDDINGS = "embeddings"
NETWORK = "network"
