"""Pictures and their records: reading, sources (folders, tables, APIs), downloads, curation, packs, batches."""
