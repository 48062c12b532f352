"""``python -m churnguard_cluster.node.images [COMPONENT ...]``: builds images and prints their names and sizes."""

from __future__ import annotations

import argparse
import sys
import time

from churnguard_cluster.errors import ClusterError
from churnguard_cluster.node.images import recipe
from churnguard_cluster.node.images.providing import provide


def main() -> int:
    known = recipe.targets((recipe.REPOSITORY / recipe.FILE).read_text())
    parser = argparse.ArgumentParser(prog="make images", description="Builds the images of components.")
    parser.add_argument("components", nargs="*", metavar="COMPONENT", help=f"default all: {', '.join(known)}")
    arguments = parser.parse_args()
    start = time.perf_counter()
    try:
        images = provide(arguments.components or known)
    except ClusterError as error:
        print(error, file=sys.stderr)
        return 1
    for image in images:
        print(f"{image.describe()}\n  {image.archive}")
    print(f"images: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
