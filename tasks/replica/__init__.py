"""A Hub on loopback: serves a corpus file over the Hub's own HTTP API, quotas and failures included.

The unmodified `huggingface_hub` works against it, so that crawling, pacing and retrying can be run, tested and
measured without the network. `docs/corpus.md` describes the file, `process.running_replica` starts a replica in a
child process, `cardiograph hub serve` starts one by hand.
"""
