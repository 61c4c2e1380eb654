"""Turn photos into Predictions with a model and evidence; check claims, find similar photos, explain answers."""
