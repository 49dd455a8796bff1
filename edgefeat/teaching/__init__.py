"""Learning on the device: pictures with labels become a head behind the features of a model."""
