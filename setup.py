"""Metadata of the distribution; also what Beam ships to its workers with `--setup_file`."""

from pathlib import Path

from setuptools import find_packages, setup

PACKAGES = ["cli", "components", "corpora", "modules", "pipeline", "schemas", "serving"]

setup(
    name="ser-tfx",
    version="0.1.0",
    description="Production pipeline for multi-domain speech emotion recognition on TFX",
    long_description=(Path(__file__).parent / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10,<3.11",
    packages=find_packages(include=[*PACKAGES, *(f"{name}.*" for name in PACKAGES)]),
    # By kind of file, so that a new report or preset cannot be forgotten.
    package_data={
        "": ["*.config", "*.css", "*.jinja", "*.pbtxt", "*.yaml", "presets/*.yaml"],
        "serving.web": ["page/*"],
    },
    entry_points={"console_scripts": ["ser = cli.main:main"]},
    install_requires=[
        "apache-beam[aws,gcp]==2.59.0",
        "av",
        "grpcio",
        "grpcio-health-checking",
        "grpcio-reflection",
        "jinja2",
        "keras==3.6.0",
        "kfp==2.5.0",
        # Secrets and volumes in compiled pipelines; the last for this kfp.
        "kfp-kubernetes==1.0.0",
        "matplotlib",
        "numpy<2",
        "protobuf==3.20.3",
        "prometheus-client",
        "psutil",
        "pyarrow==10.0.1",
        "pydantic>=2",
        "PyYAML",
        "rich",
        "scikit-learn",
        "scipy",
        "soundfile",
        "soxr",
        "tensorflow==2.16.2",
        "tensorflow-io==0.37.1",
        "tensorflow-model-analysis==0.47.1",
        "tensorflow-serving-api==2.16.1",
        "tensorflow-transform==1.16.0",
        "tf_keras==2.16.0",
        "tfx==1.16.0",
        "tornado",
        # TFX builds wheels of user modules with the environment's own pip and setuptools.
        "pip",
        "setuptools<70",
        "wheel",
    ],
    extras_require={
        # Reads audformat databases. It needs iso-639, whose licence is the AGPL; later ones do not,
        # but need a pandas that TFMA does not allow.
        "audformat": ["audformat==1.1.4", "langcodes"],
        # Downloads published audformat databases; needs the internet when used.
        "audb": ["audformat==1.1.4", "langcodes", "audb>=1.6,<1.7", "audbackend[artifactory]<2"],
        # Makes the synthetic speech of the demo and the tests. Its licence is the GPL, version 3.
        "synthetic": ["espeakng-loader"],
        # For `ser predict --microphone`; needs PortAudio, which Linux distributions have.
        "microphone": ["sounddevice"],
        # Features of a baseline. Its licence forbids commercial use: never installed unasked.
        "opensmile": ["opensmile==2.6.0"],
        "dev": [
            # Kubernetes' own OpenAPI schemas, for the manifests' tests.
            "kubernetes-validate",
            # A server of S3, for the tests of remote data; the last two make it one.
            "moto[s3]",
            "flask",
            "flask-cors",
            # For the Dockerfile's tests.
            "dockerfile-parse",
            "mkdocs<2",
            "mkdocs-material",
            "mkdocstrings[python]",
            "mypy",
            "pre-commit",
            # mkdocstrings' highlighter does not know the arguments of later ones.
            "pymdown-extensions<11",
            "pytest",
            "pytest-cov",
            "pytest-xdist",
            "ruff",
            "types-PyYAML",
            "types-protobuf<5",
            # Speaks to the browser in the tests of `ser ui`.
            "websocket-client",
        ],
    },
)
