"""What tests anywhere in the repository may ask for."""

pytest_plugins = ("services.fixtures",)
