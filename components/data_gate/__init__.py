"""The gate between the data and the training: anomalies, drift and skew, in words."""
