"""A package: pytest names modules of a bare folder after its path, and `operator` is the standard library's."""
