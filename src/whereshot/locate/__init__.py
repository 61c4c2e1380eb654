"""Turns photos into Predictions with a model and evidence; checks claims, finds similar photos, explains answers."""
