"""A model trained in scikit-learn on features and columns is put behind the features' own file."""
