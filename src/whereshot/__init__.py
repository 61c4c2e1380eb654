"""whereshot tells where a photo was taken."""
