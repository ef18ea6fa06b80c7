"""What whoever runs the service may choose, where each choice comes from, what is in force."""

from stream_app.settings.load import Loaded, load_settings
from stream_app.settings.model import HEADER_ROOM_BYTES, Settings

__all__ = ["HEADER_ROOM_BYTES", "Loaded", "Settings", "load_settings"]
