"""What looks at a picture: networks, their folders, how they run, and readouts from outputs to a Posterior."""
