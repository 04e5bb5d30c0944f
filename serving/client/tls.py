"""Encrypted connections to a server."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import UserError

if TYPE_CHECKING:
    import grpc


@dataclass(frozen=True, kw_only=True)
class Tls:
    """What a client checks of a server, and shows it; all PEM.

    Attributes:
      authorities: Certificates of who signs those of servers; the system's by default.
      certificate: The client's own; none by default.
      key: Its private key.
    """

    authorities: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = None

    @classmethod
    def read(cls, authorities: Path | None, certificate: Path | None, key: Path | None) -> "Tls":
        """Reads the files.

        Raises:
          UserError: One cannot be read, or certificate and key do not come together.
        """
        if (certificate is None) != (key is None):
            raise UserError("--tls-cert and --tls-key belong together")
        found = [_pem(path) if path else None for path in (authorities, certificate, key)]
        return cls(authorities=found[0], certificate=found[1], key=found[2])

    def credentials(self) -> "grpc.ChannelCredentials":
        """Returns what gRPC wants."""
        import grpc

        return grpc.ssl_channel_credentials(self.authorities, self.key, self.certificate)


def _pem(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    if b"-----BEGIN" not in content:
        raise UserError(f"{path}: no PEM file, which has lines -----BEGIN …-----")
    return content
