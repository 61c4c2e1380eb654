"""Pictures and their records: reading, sources, downloads, curation, packs, batches."""
