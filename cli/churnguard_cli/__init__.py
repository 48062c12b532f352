"""The ``churnguard`` command: validate, simulate, train and read bundles on a laptop, without a cluster."""
