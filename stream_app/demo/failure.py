"""The one way in which a demo run fails before there is anything to check."""

from stream_app.errors import CgTrans03Error


class DemoFailure(CgTrans03Error):
    """Something that was started stopped, or does not get on."""
