"""An RTSP camera in a process of its own: GStreamer's RTSP server with a moving test picture.

    /usr/bin/python3 rtsp_camera.py PORT [locked] [turning]     prints "ready" once it listens

Needs Debian's packages gir1.2-gst-rtsp-server-1.0, python3-gi and gstreamer1.0-plugins-base,
-good and -ugly. Gives H.264 at /live; locked, only to user `me` with password `hunter2`; turning,
as a phone is turned: each second 320x240 becomes 240x320, or the other way.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

SIZES = [
    f"video/x-raw,width={size},framerate=30/1" for size in ("320,height=240", "240,height=320")
]
PIPELINE = (
    f"( videotestsrc is-live=true pattern=ball ! capsfilter name=size caps={SIZES[0]} "
    "! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 "
    "! rtph264pay name=pay0 pt=96 config-interval=-1 )"
)


def turn(size: Gst.Element) -> bool:
    """Take the other size; called each second, as long as it returns True."""
    SIZES.reverse()
    size.set_property("caps", Gst.Caps.from_string(SIZES[0]))
    return True


def on_media(_: object, media: GstRtspServer.RTSPMedia) -> None:
    GLib.timeout_add_seconds(1, turn, media.get_element().get_by_name("size"))


Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(sys.argv[1])
factory = GstRtspServer.RTSPMediaFactory()
factory.set_shared(True)
factory.set_launch(PIPELINE)
if "locked" in sys.argv:
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("owner", "media.factory.access", True)
    permissions.add_permission_for_role("owner", "media.factory.construct", True)
    factory.set_permissions(permissions)
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "owner")
    auth = GstRtspServer.RTSPAuth()
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic("me", "hunter2"), token)
    server.set_auth(auth)
if "turning" in sys.argv:
    factory.connect("media-configure", on_media)
server.get_mount_points().add_factory("/live", factory)
server.attach(None)
sys.stdout.write("ready\n")
sys.stdout.flush()
GLib.MainLoop().run()
