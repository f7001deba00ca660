"""Code lists as versioned data, with one typed loader: see ``shared.codes.codes``."""
