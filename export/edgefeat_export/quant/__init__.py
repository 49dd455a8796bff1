"""Int8 for clean float graphs: what is quantized, how it is rounded and how it is written."""
