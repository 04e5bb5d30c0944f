"""What only a configuration and its manifest together can tell: faults that stop at start."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from corpora import manifest as manifests
from corpora.manifest import Manifest
from modules.networks import approaches
from modules.networks.registry import FRONT_ENDS, NetworkSpec
from modules.training import memory
from pipeline import schema
from pipeline.config import ReleaseConfig, StudyConfig
from schemas import sound
from schemas.errors import UserError
from schemas.signatures import MULTI_DOMAIN
from schemas.splits import S2
from schemas.words import listed, plural

# What means something else in a pattern of `tf.io.gfile.glob` or Beam.
_PATTERN = "*?[\\"

# Tables of the study that compare a target with other domains.
_TABLES_OF_SEVERAL_DOMAINS = {4, 5}


def check_release(config: ReleaseConfig, manifest: Manifest, network: NetworkSpec) -> None:
    """Checks a release against its manifest.

    Args:
      config: The release.
      manifest: What was indexed.
      network: The network that is pre-trained.

    Raises:
      UserError: The manifest's labels, domains or folds do not fit the release, an approach does
        not fit its network, or a batch does not fit into the memory it may take.
    """
    check_memory(config)
    check_labels(config, manifest)
    check_domains(config, manifest.domains)
    check_languages(config, manifest)
    check_approaches(config, manifest.domains, network)
    check_members(config, manifest.domains)
    check_speakers(config, manifest.domains)
    manifests.check_folds(manifest.utterances, config.protocol, test_fold=config.test_fold)


def check_output(output: Path) -> None:
    """Raises UserError where the path of the run's folder is a pattern to TFX and Beam."""
    if found := sorted(set(_PATTERN).intersection(str(output.absolute()))):
        raise UserError(
            f"output {output.absolute()}: TFX looks for files by patterns, to which"
            f" {listed(found)} in a path means something else; choose a folder without"
        )


def check_study(config: StudyConfig, manifest: Manifest, network: NetworkSpec) -> None:
    """Checks a study against its manifest.

    Args:
      config: The study.
      manifest: What was indexed.
      network: The network that is trained.

    Raises:
      UserError: The manifest's labels, domains or folds do not fit the study, an approach does not
        fit its network, or a batch does not fit into the memory it may take.
    """
    check_memory(config)
    check_labels(config, manifest)
    check_targets(config, manifest.domains)
    check_study_approaches(config, network)
    check_study_folds(config, manifest)


def check_labels(config: ReleaseConfig | StudyConfig, manifest: Manifest) -> None:
    """Checks that there is something to tell apart.

    The paper's six may be more than the corpora have (`LabelSet.missing`): networks answer only
    with labels that a domain has.

    Raises:
      UserError: No clip has some label, or a domain has clips of one label only.
    """
    labels = manifest.labels
    labels_of: dict[str, set[str]] = {}
    for utterance in manifest.utterances:
        labels_of.setdefault(utterance.domain, set()).add(utterance.emotion)
    if absent := labels.missing(set().union(*labels_of.values())):
        raise UserError(
            f"{config.manifest}: no clip is labelled {listed(absent)}, which its label set"
            f" ({', '.join(labels)}) has; add recordings, or index the corpora with --emotions"
            f" {','.join(label for label in labels if label not in absent)}"
        )
    for domain, found in sorted(labels_of.items()):
        if len(found) < 2:
            raise UserError(
                f"{config.manifest}: domain {domain} has clips of {listed(found)} only, which"
                f" leaves nothing to tell apart; add recordings of another label of the set"
                f" ({', '.join(labels)}) or leave the domain out"
            )


def check_languages(config: ReleaseConfig, manifest: Manifest) -> None:
    """Checks that the schema of examples knows the languages, where it stops what it does not know.

    Raises:
      UserError: It does not; names recordings, which DataGate cannot.
    """
    if config.validation.anomalies == "report":
        return
    known = schema.languages()
    strange: dict[str, list[str]] = {}
    for utterance in manifest.utterances:
        if utterance.language and utterance.language not in known:
            strange.setdefault(utterance.language, []).append(utterance.utterance_id)
    for language, ids in strange.items():
        raise UserError(
            f"{config.manifest}: language `{language}` ({plural(len(ids), 'clip')}, like {ids[0]})"
            " is no ISO 639-1 code of the schema of examples: write its two letters, or leave it"
            " empty; or let it pass: --set validation.anomalies=report"
        )


def check_memory(config: ReleaseConfig | StudyConfig) -> None:
    """Checks that the memory a training may take holds at least one batch of clips.

    Raises:
      UserError: It does not.
    """
    recipe = FRONT_ENDS[config.front_end].recipe
    trainings = {
        "pretrain": config.pretrain.over(recipe.pretrain),
        "fine_tune": config.fine_tune.over(recipe.fine_tune),
    }
    if isinstance(config, StudyConfig):
        trainings["scratch"] = config.scratch.over(recipe.scratch)
    else:
        trainings |= {
            f"domains.{name}.fine_tune": domain.fine_tune.over(recipe.fine_tune)
            for name, domain in config.domains.items()
            if domain.fine_tune
        }
    for key, training in trainings.items():
        memory.check(
            config.training.memory_gib,
            batch_size=training.batch_size,
            row_shape=(config.input_samples, 1),
            batch_key=f"{key}.batch_size",
        )


def check_approaches(config: ReleaseConfig, domains: Sequence[str], network: NetworkSpec) -> None:
    """Checks that the network has the layer groups that its domains' approaches name.

    Raises:
      UserError: It has too few.
    """
    for domain in domains:
        asked = config.for_domain(domain).approach
        for approach in config.candidates if asked == approaches.AUTO else [asked]:
            try:
                approaches.resolve(approach, network.groups, held=network.held)
            except UserError as error:
                raise UserError(f"domain {domain}, front end {config.front_end}: {error}") from None


def check_members(config: ReleaseConfig, domains: Sequence[str]) -> None:
    """Checks that trainings of several members have no early stopping, and hold what they share.

    Raises:
      UserError: They have.
    """
    if config.members == 1:
        return
    recipe = FRONT_ENDS[config.front_end].recipe
    asked = [config.pretrain.over(recipe.pretrain)]
    for domain in domains:
        own = config.for_domain(domain)
        asked.append(own.fine_tune.over(recipe.fine_tune))
        unfreezing = [
            name
            for name in (config.candidates if own.approach == approaches.AUTO else [own.approach])
            if approaches.APPROACHES[name].unfrozen
        ]
        if unfreezing:
            raise UserError(
                f"domain {domain}: approach {unfreezing[0]} tunes layers that all members share;"
                " set members to 1, or choose another approach"
            )
    if any(settings.patience for settings in asked):
        raise UserError(
            f"members: {config.members} members would stop at epochs of their own; set patience"
            " to 0, or members to 1"
        )


def check_speakers(config: ReleaseConfig, domains: Sequence[str]) -> None:
    """Checks that a release that is to know speakers has a network that can.

    Raises:
      UserError: It has not, or an approach tunes what speakers are known by.
    """
    if not config.known_speakers:
        return
    front_end = FRONT_ENDS[config.front_end]
    if config.network_preset not in front_end.takes_speakers:
        can = [
            f"{each.name} ({preset})"
            for each in FRONT_ENDS.values()
            for preset in each.takes_speakers
        ]
        raise UserError(
            f"known_speakers: a network of front end {config.front_end}, preset"
            f" {config.network_preset}, cannot be told who speaks; set known_speakers to false, or"
            f" take a front end that can: {', '.join(can)}"
        )
    for domain in domains:
        asked = config.for_domain(domain).approach
        for approach in config.candidates if asked == approaches.AUTO else (asked,):
            if approaches.APPROACHES[approach].unfrozen:
                raise UserError(
                    f"domain {domain}: approach {approach} tunes the layers by which speakers are"
                    " known; set known_speakers to false, or choose another approach"
                )


def speakers_of_one_label(manifest: Manifest) -> tuple[str, ...]:
    """Returns a warning for each domain most of whose speakers have clips of one label only."""
    labels: dict[tuple[str, str], set[str]] = {}
    for utterance in manifest.utterances:
        labels.setdefault((utterance.domain, utterance.speaker), set()).add(utterance.emotion)
    found = []
    for domain in manifest.domains:
        own = [len(each) for (name, _), each in labels.items() if name == domain]
        alike = sum(count == 1 for count in own)
        if 2 * alike > len(own):
            found.append(
                f"domain {domain}: {alike} of {len(own)} speakers have clips of one label only, so"
                " that what is taken out of their clips is emotion, too: known_speakers harms there"
            )
    return tuple(found)


def check_domains(config: ReleaseConfig, domains: Sequence[str]) -> None:
    """Checks a release's domains.

    Raises:
      UserError: A key of `domains` is no domain of the manifest, a domain has the multi-domain
        model's name, or scenario S2 leaves nothing to pre-train on.
    """
    for name in config.domains:
        if name not in domains:
            raise UserError(
                f"domains.{name}: the manifest has no such domain, only {', '.join(domains)}"
            )
    if MULTI_DOMAIN in domains:
        raise UserError(f"the manifest's domain {MULTI_DOMAIN!r} has the multi-domain model's name")
    for name in domains:
        if config.for_domain(name).scenario == S2 and len(domains) < 2:
            raise UserError(
                f"domain {name}: scenario S2 pre-trains on the other domains, but there is none; "
                "add a corpus or use S1"
            )


def check_targets(config: StudyConfig, domains: Sequence[str]) -> None:
    """Checks a study's domains.

    Raises:
      UserError: A target is no domain, there are too few domains for what was asked, or the
        standardisation is fitted on training folds, which here are others for every cell.
    """
    for name in config.targets:
        if name not in domains:
            raise UserError(
                f"targets: the manifest has no domain {name}, only {', '.join(domains)}"
            )
    if len(domains) < 2 and (
        S2 in config.scenarios or _TABLES_OF_SEVERAL_DOMAINS & set(config.tables) or config.beyond
    ):
        raise UserError(
            "scenario S2, the tables 4 and 5 and all of beyond need other domains to train on, but"
            f" the manifest has only {', '.join(domains)}; add a corpus, or set tables to [2, 3],"
            " scenarios to [S1] and beyond to []"
        )
    if config.audio.standardisation != sound.PER_UTTERANCE:
        raise UserError(
            f"audio.standardisation: {config.audio.standardisation} is fitted on training folds,"
            f" which differ from cell to cell of a study; use {sound.PER_UTTERANCE}"
        )


def check_study_approaches(config: StudyConfig, network: NetworkSpec) -> None:
    """Checks that the study's network has what its approaches name.

    Raises:
      UserError: It has not, or an approach tunes what the study computes once per clip.
    """
    for approach in config.approaches:
        if approach == approaches.AUTO:
            continue
        try:
            approaches.resolve(approach, network.groups, held=network.held)
        except UserError as error:
            raise UserError(f"approaches, front end {config.front_end}: {error}") from None
        if approaches.APPROACHES[approach].unfrozen:
            raise UserError(
                f"approaches: {approach} tunes layers whose outputs a study computes once per clip;"
                " leave it out, or compare it in a release: --set approach=auto --set"
                f" candidates=[A1,A2,{approach}]"
            )


def check_study_folds(config: StudyConfig, manifest: Manifest) -> None:
    """Checks that every fold of a study can be trained and tested on.

    Raises:
      UserError: A fold is empty or impossible, or lacks a class of its domain where the study does
        not take what is present.
    """
    utterances = manifest.utterances
    # As if all were of one class: what is wrong with the folds whatever their classes.
    first = manifest.labels.labels[0]
    alike = [dataclasses.replace(utterance, emotion=first) for utterance in utterances]
    for protocol in config.protocols:
        for domain in manifest.domains:
            own = {each.fold(protocol) for each in utterances if each.domain == domain}
            if empty := set(config.folds) - own:
                raise UserError(
                    f"domain {domain}: has no clip in fold {min(empty)} under the protocol"
                    f" {protocol}; leave the fold, the domain or the protocol out"
                )
        for fold in config.folds:
            manifests.check_folds(alike, protocol, test_fold=fold)
            if config.missing_class == "present":
                continue
            try:
                manifests.check_folds(utterances, protocol, test_fold=fold)
            except UserError as error:
                raise UserError(
                    f"{error}\nor take the UAR of such a fold over the classes that it has:"
                    " --set missing_class=present"
                ) from None
