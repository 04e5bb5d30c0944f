"""Why a request cannot be answered."""


class ServingError(Exception):
    """A request that cannot be answered.

    Attributes:
      code: Name of a `grpc.StatusCode`, such as NOT_FOUND.
    """

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code
