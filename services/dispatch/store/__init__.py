"""SQL of dispatch: literal text in named constants above one typed function each, a file per noun."""
