"""ManifestStatistics: what the recordings in use are made of.

StatisticsGen looks at the examples fold by fold, which tells whether each is well-formed. Drift is
a question about a domain as a whole, and about what examples do not carry (elicitation); the
manifest answers it without reading the sound again.
"""

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component

from components.audio_example_gen import account as accounts
from components.audio_example_gen.artifact import IngestAccount
from components.manifest_statistics import artifact, compute
from components.manifest_statistics.artifact import ManifestStatisticsArtifact
from corpora import manifest


@component
def ManifestStatistics(
    account: InputArtifact[IngestAccount],
    statistics: OutputArtifact[ManifestStatisticsArtifact],
    manifest_path: Parameter[str],
    manifest_digest: Parameter[str],
    protocol: Parameter[str],
    test_fold: Parameter[int],
    code_digest: Parameter[str] = "",
) -> None:
    """Computes what the recordings in use are made of, by domain and part of its folds.

    Args:
      account: From AudioExampleGen; tells which recordings are used.
      statistics: Statistics of each domain.
      manifest_path: The manifest's CSV file, named by its content.
      manifest_digest: Digest of the manifest.
      protocol: Which of an utterance's folds counts.
      test_fold: Which of them is tested on.
      code_digest: Digest of the sources of this step.

    Raises:
      UserError: The manifest cannot be read.
    """
    used = {
        outcome.utterance_id
        for outcome in accounts.read(account.uri)
        if outcome.status == accounts.USED
    }
    indexed = manifest.read(manifest_path).utterances
    utterances = [utterance for utterance in indexed if utterance.utterance_id in used]
    computed = compute.statistics(utterances, protocol=protocol, test_fold=test_fold)
    artifact.write(computed, statistics.uri)
    statistics.set_string_custom_property(artifact.MANIFEST_DIGEST, manifest_digest)
