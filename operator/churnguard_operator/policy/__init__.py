"""The rules of a revision's life, one file per rule."""
