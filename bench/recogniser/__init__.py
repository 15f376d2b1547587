"""The recogniser: recipe, features, model, training, and what a model says and costs."""
