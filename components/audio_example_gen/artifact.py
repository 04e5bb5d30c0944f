"""What AudioExampleGen makes beside examples."""

from tfx.types import artifact


class IngestAccount(artifact.Artifact):
    """What became of every row of the manifest; its files are described in `account`."""

    TYPE_NAME = "IngestAccount"
