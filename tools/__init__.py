"""What ``make`` runs and nobody installs."""
