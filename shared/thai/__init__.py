"""What is particular to Thailand: dates in the Buddhist era, phones, identifiers, areas, names."""
