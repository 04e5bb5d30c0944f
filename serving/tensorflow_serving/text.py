"""Protobuf text files, as TF Serving reads its configuration."""

from pathlib import Path
from typing import TypeVar

from google.protobuf import text_format
from google.protobuf.message import Message

from schemas.errors import UserError

AnyMessage = TypeVar("AnyMessage", bound=Message)


def read(path: Path, message: AnyMessage) -> AnyMessage:
    """Returns `message`, filled from a file.

    Raises:
      UserError: There is no such file, or it is no text of that message.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such file; `ser serving config --root DIR` writes the configuration of TF"
            " Serving"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from None
    try:
        return text_format.Parse(text, message)
    except text_format.ParseError as error:
        name = message.DESCRIPTOR.name
        raise UserError(
            f"{path}: not TF Serving's {name}: {error}; line and column are before the reason"
        ) from None


def written(message: Message, heading: str) -> str:
    """Returns a message as text below a line of comment."""
    return f"# {heading}\n{text_format.MessageToString(message)}"
