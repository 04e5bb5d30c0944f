"""What runs: configuration, pipeline definitions, the local runner, the report."""
