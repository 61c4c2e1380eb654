"""Where a photo may have been taken, as weighted places of the sphere: the type that every model ends in."""
