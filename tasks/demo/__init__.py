"""A hub of made-up models with planted truth: what the demo, the tests and the benchmarks run on.

`write_demo_corpus` is the only door. `popularity.py` holds the model that findings are compared with.
"""

from tasks.demo.corpus import write_demo_corpus
from tasks.demo.truth import DemoTruth

__all__ = ["DemoTruth", "write_demo_corpus"]
