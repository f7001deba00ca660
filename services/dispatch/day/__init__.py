"""A day of booked rides on one fleet: several riders to a tour, every promise kept. Pure."""
