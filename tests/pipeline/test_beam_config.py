"""Beam's engines: the flags as Beam itself reads them, and what is refused."""

import pytest
from apache_beam.options import pipeline_options as options

from pipeline import config as configs
from schemas.errors import UserError

POOL = {"job_endpoint": "jobs:8099", "worker_pool": "pool:5000"}
CLOUD = {"project": "p", "region": "r", "temp_location": "gs://b/t"}


def _beam(**beam):
    values = {"manifest": "m.csv", "output": "gs://b/out"}
    return configs.load(
        "release", values | {f"beam.{key}": value for key, value in beam.items()}
    ).beam


def _read(**beam):
    return options.PipelineOptions(_beam(**beam).flags(plugins=("schemas.storage_plugin",)))


def test_in_this_process_there_are_no_flags():
    assert _beam().flags(plugins=("a",)) == []
    read = _read(workers=2)
    assert read.view_as(options.DirectOptions).direct_num_workers == 2
    assert read.view_as(options.DirectOptions).direct_running_mode == "multi_processing"
    assert read.view_as(options.SetupOptions).beam_plugins == ["schemas.storage_plugin"]


def test_a_job_server_and_a_pool_of_workers():
    read = _read(engine="portable", workers=3, **POOL)
    portable = read.view_as(options.PortableOptions)
    assert read.view_as(options.StandardOptions).runner == "PortableRunner"
    assert portable.job_endpoint == "jobs:8099"
    assert (portable.environment_type, portable.environment_config) == ("EXTERNAL", "pool:5000")
    # Beam waits a minute for a whole job unless it is told.
    assert portable.job_server_timeout >= 24 * 3600
    assert int(portable.sdk_worker_parallelism) == 3
    assert read.view_as(options.SetupOptions).beam_plugins == ["schemas.storage_plugin"]


def test_clusters():
    read = _read(engine="flink", master="flink:8081", image="ser", workers=4, args=["--streaming"])
    assert read.view_as(options.StandardOptions).runner == "FlinkRunner"
    assert read.view_as(options.StandardOptions).streaming
    assert read.view_as(options.FlinkRunnerOptions).flink_master == "flink:8081"
    assert read.view_as(options.FlinkRunnerOptions).parallelism == 4
    portable = read.view_as(options.PortableOptions)
    assert (portable.environment_type, portable.environment_config) == ("DOCKER", "ser")
    read = _read(engine="spark", master="spark://s:7077", setup_file="setup.py", job_server_jar="j")
    assert read.view_as(options.SparkRunnerOptions).spark_master_url == "spark://s:7077"
    assert read.view_as(options.SparkRunnerOptions).spark_job_server_jar == "j"
    assert read.view_as(options.SetupOptions).setup_file == "setup.py"
    read = _read(engine="dataflow", image="ser", workers=5, **CLOUD)
    cloud = read.view_as(options.GoogleCloudOptions)
    assert (cloud.project, cloud.region, cloud.temp_location) == ("p", "r", "gs://b/t")
    assert read.view_as(options.WorkerOptions).num_workers == 5
    assert read.view_as(options.WorkerOptions).sdk_container_image == "ser"


@pytest.mark.parametrize(
    ("beam", "told"),
    [
        ({"engine": "dask"}, r"beam.engine: Input should be 'direct', 'portable'"),
        (
            {"engine": "portable", "image": "a"},
            "beam.job_endpoint is missing",
        ),
        (
            {"engine": "portable", "job_endpoint": "a:1"},
            "needs one of beam.image",
        ),
        ({"engine": "portable", "image": "a", **POOL}, "there are beam.image and beam.worker_pool"),
        (
            {"engine": "portable", **POOL, "job_endpoint": "jobs"},
            "job_endpoint: String should",
        ),
        ({"engine": "flink", "image": "a"}, "beam.master is missing: beam.engine flink"),
        ({"engine": "spark", "master": "a", **POOL}, "beam.job_endpoint means nothing to"),
        ({"engine": "dataflow", "image": "a", "project": "p"}, "beam.region is missing"),
        ({"engine": "dataflow", "image": "a", **CLOUD, "temp_location": "/t"}, "temp_location"),
        ({"master": "a"}, "beam.master means nothing to beam.engine direct"),
        ({"args": ["--runner=FlinkRunner"]}, "--runner is beam.engine's to say"),
        ({"args": ["--s3_secret_access_key=hush"]}, "secrets from their environment"),
        ({"args": ["--azure_connection_string=hush"]}, "secrets from their environment"),
    ],
)
def test_what_is_refused(beam, told):
    with pytest.raises(UserError, match=told) as refused:
        _beam(**beam)
    assert "hush" not in str(refused.value)


def test_dataflows_workers_do_not_see_this_machine():
    with pytest.raises(UserError, match="output /data/out is on this machine, where Dataflow's"):
        configs.load(
            "release",
            {
                "manifest": "m.csv",
                "output": "/data/out",
                "beam": {"engine": "dataflow", "image": "a", **CLOUD},
            },
        )
