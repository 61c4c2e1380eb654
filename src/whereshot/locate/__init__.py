"""Photos in, Predictions out."""
