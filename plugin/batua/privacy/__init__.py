"""What people may ask for: what we hold about them, and that it goes. And what goes by itself."""

from batua.privacy.erasing import Eraser
from batua.privacy.exporting import Exporter
from batua.privacy.privacy import Privacy
from batua.privacy.retention import Retention
from batua.privacy.tables import Erasure

__all__ = ["Eraser", "Erasure", "Exporter", "Privacy", "Retention"]
