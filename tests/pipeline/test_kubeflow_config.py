"""What tasks of a kind take, and which surroundings are refused."""

import pytest

from pipeline import config as configs
from pipeline.config import Kubeflow, Metadata
from schemas.errors import UserError


def _config(**values):
    return configs.parse({"manifest": "m.csv", **values}, source="test")


def test_a_step_takes_its_own_then_the_default_then_what_comes_with_the_program():
    own = Kubeflow.model_validate(
        {
            "default": {"cpu": 2, "env": {"A": 1, "B": 2}},
            "steps": {"train": {"memory": "8Gi", "retries": 0, "env": {"B": 3}}},
        }
    )
    train, push = own.for_step("train"), own.for_step("push")
    assert (train.cpu, train.memory, train.retries) == ("2", "8Gi", 0)
    assert (push.cpu, push.memory, push.retries) == ("2", "4Gi", 2)
    assert (train.env, push.env) == ({"A": "1", "B": "3"}, {"A": "1", "B": "2"})


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"metadata": {"store": "mysql"}}, "metadata.host is missing"),
        ({"metadata": {"host": "h"}}, "metadata.host is h, but metadata.store is sqlite"),
        ({"metadata": {"password": "x"}}, "metadata.password: unknown key"),
        (
            {"kubeflow": {"volumes": [{"claim": c, "mount": "/m"} for c in "ab"]}},
            "kubeflow.volumes: /m is there twice",
        ),
        ({"kubeflow": {"steps": {"train": {"gpu": 1}}}}, "gpu: unknown key; there are: cpu,"),
    ],
)
def test_what_cannot_be(values, told):
    with pytest.raises(UserError) as error:
        _config(**values)
    assert told in str(error.value)


def test_a_password_is_nowhere_in_a_stored_configuration(monkeypatch):
    monkeypatch.setenv("SER_METADATA_PASSWORD", "not to be seen")
    config = _config(metadata={"store": "mysql", "host": "h"})
    assert "not to be seen" not in config.to_yaml()
    assert config.metadata == Metadata(store="mysql", host="h")
