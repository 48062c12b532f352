"""Real servers and tool chains for the tests: which there are, how they are built, and where they are kept."""
