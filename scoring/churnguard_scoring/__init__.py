"""From a bundle to a score and its reasons, for one record or a million. Depends on numpy only."""
