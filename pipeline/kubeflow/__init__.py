"""The same pipelines as tasks of Kubeflow Pipelines: a process, and a container, for each step."""
