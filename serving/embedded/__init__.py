"""The embedded server: TF Serving's gRPC interface over a serving folder, in one Python process.

For one machine and for tests. It answers PredictionService.Predict and GetModelMetadata,
ModelService.GetModelStatus and the gRPC health service from `<root>/<model>/<version>/` with the
messages and status codes of TF Serving, so that clients need not know which of the two they talk
to. It is no replacement for TF Serving: no REST, no batching, no configuration file.

From a request's way through it: `grpc_api` (the services), `store` (which versions are loaded),
`workers` (the threads that models answer in), `servable` (one loaded version), `tensors` (its
inputs and outputs), `limits` (what a request may ask for); `policies` (which models and versions
are to be served) and `versions` look at the folder, `server` starts and stops it all. `server`,
`store`, `policies` and `versions` import neither TensorFlow nor gRPC until they are used.
"""
