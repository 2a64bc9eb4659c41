"""Nothing is lost and nothing grows, for as long as you let it run: ``python -m benchmarks.soak [--minutes 10]``."""
