"""Configuration of the real TensorFlow Serving: models, labels, batching, monitoring, TLS."""
