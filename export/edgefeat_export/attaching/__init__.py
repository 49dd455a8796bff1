"""A head of scikit-learn or Keras on features and columns is put behind the features' own file."""
