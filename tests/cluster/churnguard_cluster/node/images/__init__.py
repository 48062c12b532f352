"""Images of our components, built from the Dockerfile without a registry and kept by what determines them.

python -m churnguard_cluster.node.images            builds all and prints their sizes (make images)
python -m churnguard_cluster.node.images serving    this one
"""
