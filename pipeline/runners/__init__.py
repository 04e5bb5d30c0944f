"""What runs a pipeline that was built: on this machine, node by node."""
