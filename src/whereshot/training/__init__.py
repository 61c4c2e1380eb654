"""From photos with positions to a calibrated model folder."""
