"""The Posterior: weighted places of the sphere where a photo may have been taken. Decisions, circles, regions, maps."""
