"""Clients and servers that speak TF Serving's gRPC API."""
