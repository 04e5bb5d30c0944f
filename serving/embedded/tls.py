"""TLS of the embedded server, as TF Serving's `--ssl_config_file` has it."""

import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import UserError

if TYPE_CHECKING:
    import grpc


class Tls:
    """A server's key and certificate, and whether clients have to show theirs.

    Args:
      path: TF Serving's SSLConfig as text, which `ser serving config --tls-key …` writes.

    Raises:
      UserError: The file cannot be read, or its parts do not fit.
    """

    def __init__(self, path: Path):
        from serving.tensorflow_serving import text
        from serving.tensorflow_serving.messages import message

        self._path = path
        self._config: Any = text.read(path, message("SSLConfig")())
        self.context()

    def credentials(self) -> "grpc.ServerCredentials":
        """Returns what gRPC wants."""
        import grpc

        pair = (self._config.server_key.encode(), self._config.server_cert.encode())
        return grpc.ssl_server_credentials(
            [pair],
            root_certificates=self._config.custom_ca.encode() or None,
            require_client_auth=self._config.client_verify,
        )

    def context(self) -> ssl.SSLContext:
        """Returns what the REST interface wants."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            # Python takes keys from files only.
            with tempfile.NamedTemporaryFile("w") as pair:
                pair.write(self._config.server_key + "\n" + self._config.server_cert)
                pair.flush()
                context.load_cert_chain(pair.name, password=lambda: "")
            if self._config.custom_ca:
                context.load_verify_locations(cadata=self._config.custom_ca)
            if self._config.client_verify:
                context.verify_mode = ssl.CERT_REQUIRED
        except (ssl.SSLError, OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or str(error)
            raise UserError(
                f"{self._path}: no private key with its certificate ({reason}); write it with"
                " `ser serving config --tls-key KEY --tls-certificate CERTIFICATE`"
            ) from None
        return context
