"""The embedded server: TF Serving's gRPC interface in one Python process."""
