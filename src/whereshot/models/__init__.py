"""Networks that look at a picture, their folders, how they run, and readouts that turn outputs into a Posterior."""
