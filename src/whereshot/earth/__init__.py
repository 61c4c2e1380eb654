"""The sphere and what lies on it: distances, S2 cells, partitions, polygons, countries, towns, areas."""
