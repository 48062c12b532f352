"""The ``churnguard`` command: check, train, serve and ask models on a laptop, without a cluster."""
