"""The tables of notify: literal SQL, each constant above one typed function."""
