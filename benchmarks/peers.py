"""The same spans stored by Arize Phoenix and MLflow: ``python -m benchmarks.peers``."""
