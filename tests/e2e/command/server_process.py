"""A real server for one test, and the paths of the programs.

Needs PROCTORD and PROCTOR, the paths of the two binaries.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile

PROCTORD = os.environ["PROCTORD"]
PROCTOR = os.environ["PROCTOR"]
# The script that makes certificates for a server and a client.
DEV_CERTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../deploy/dev-certs")


class Server:
    """A proctord on a private unix socket.

    It runs as `user`, if given. That user may read neither the build nor the test's directories, so
    the programs are copied for it. `through` is a command that becomes the server.
    """

    def __init__(self, *flags, stderr=None, user=None, through=()):
        self.directory = tempfile.mkdtemp(prefix="proctor-cli-")
        self.host = f"unix:{self.directory}/proctord.sock"
        self.who = {}
        program, self.client = PROCTORD, PROCTOR
        if user is not None:
            self.who = {"user": user, "group": user, "extra_groups": []}
            os.chown(self.directory, user, user)
            program, self.client = (shutil.copy(each, self.directory) for each in (PROCTORD, PROCTOR))
            for each in (program, self.client):
                os.chmod(each, 0o755)
        read, write = os.pipe()
        self.process = subprocess.Popen(
            [*through, program, f"--listen={self.host}", f"--state-dir={self.directory}/state",
             "--log-level=warning", f"--ready-fd={write}", *flags],
            pass_fds=[write], stderr=stderr, **self.who)
        os.close(write)
        with os.fdopen(read) as ready:
            assert ready.read() == "READY\n", "the server did not get ready"

    def resident(self):
        """Resident bytes: now, and the peak."""
        with open(f"/proc/{self.process.pid}/status") as status:
            text = status.read()
        return [int(re.search(rf"{key}:\s+(\d+) kB", text)[1]) * 1024 for key in ("VmRSS", "VmHWM")]

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(timeout=60)
        shutil.rmtree(self.directory)
        return code
