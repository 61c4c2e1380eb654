"""Turn photos with positions into a calibrated model folder: training by run files, and learning own photos."""
