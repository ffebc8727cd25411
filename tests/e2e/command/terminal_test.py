#!/usr/bin/env python3
"""A user at a terminal: `proctor run -it` behaves as ssh does.

The terminal is tmux: keys go in, the screen comes out. Needs PROCTORD and PROCTOR, the paths of
the two binaries, and tmux and vi; where one is missing, says so and exits with 77.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from server_process import PROCTOR, Server

VI = shutil.which("vim.tiny") or shutil.which("vi")
PATIENCE = float(os.environ.get("PROCTOR_TEST_PATIENCE", "60"))
# As words: tmux would pass a line to a shell, which would drop the prompt.
SHELL = ["bash", "--norc", "--noprofile"]

# Prints when it has the foreground, since keys before that go to the shell. It has no children: a
# stop in the middle of a vfork(2) takes effect only when the child has become its program.
JOB = """
import signal
signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.signal(signal.SIGCONT, lambda *_: print("going on", flush=True))
print("running", flush=True)
while True:
    signal.pause()
"""


class Terminal:
    """A window of a private tmux, with a shell in it."""

    def __init__(self, directory, environment, columns=80, rows=24):
        self.socket = os.path.join(directory, "tmux.sock")
        self.environment = environment
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows),
                  *SHELL)
        # A key that follows ESC at once is not Alt with that key.
        self.tmux("set-option", "-s", "escape-time", "0")

    def tmux(self, *arguments):
        return subprocess.run(["tmux", "-S", self.socket, *arguments], env=self.environment,
                              capture_output=True, text=True, check=True, timeout=60).stdout

    def keys(self, *names):
        """Keys by tmux's names: Enter, C-c, Escape."""
        self.tmux("send-keys", *names)

    def type(self, text):
        self.tmux("send-keys", "-l", "--", text)

    def enter(self, line):
        self.type(line)
        self.keys("Enter")

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def wait(self, is_there, what):
        """Polls until the screen is as wanted: tmux has no event for that."""
        deadline = time.monotonic() + PATIENCE
        while not is_there(screen := self.screen()):
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} is not on the screen:\n{screen}")
            time.sleep(0.02)
        return screen

    def wait_for(self, text):
        return self.wait(lambda screen: text in screen, repr(text))

    def wait_for_line(self, line):
        return self.wait(lambda screen: line in screen.splitlines(), f"the line {line!r}")

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def new_window(self):
        self.tmux("new-window", *SHELL)

    def close_window(self):
        self.tmux("kill-window")

    def foreground(self):
        """The pid of the program that the shell of the window runs."""
        shell = self.tmux("display-message", "-p", "#{pane_pid}").strip()
        with open(f"/proc/{shell}/task/{shell}/children", encoding="ascii") as children:
            return int(children.read().split()[-1])

    def end(self):
        self.tmux("kill-server")


class TerminalTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="proctor-terminal-")
        self.addCleanup(shutil.rmtree, self.directory)
        self.server = Server()
        self.addCleanup(lambda: self.assertEqual(self.server.end(), 0))
        self.environment = dict(os.environ, PROCTOR_HOST=self.server.host, PS1="outer> ",
                                PATH=f"{os.path.dirname(PROCTOR)}:{os.environ['PATH']}",
                                HISTFILE="/dev/null", HOME=self.directory, LC_ALL="C.UTF-8")
        self.environment.pop("TMUX", None)
        self.terminal = Terminal(self.directory, self.environment)
        self.addCleanup(self.terminal.end)
        self.terminal.wait_for_line("outer>")
        self.count = 0

    def proctor(self, *arguments):
        return subprocess.run([PROCTOR, *arguments], env=self.environment, capture_output=True,
                              text=True, timeout=PATIENCE, check=False)

    def process_id(self):
        """The one process that runs."""
        ids = self.proctor("ps", "-q").stdout.split()
        self.assertEqual(len(ids), 1, ids)
        return ids[0]

    def file(self, name):
        return os.path.join(self.directory, name)

    def modes(self):
        """The terminal's modes, as the shell at its prompt has them; without the size, which tmux sets."""
        self.count += 1
        path = self.file(f"modes{self.count}")
        self.terminal.enter(f"stty -a > {path}; echo modes=$((100 + {self.count}))")
        self.terminal.wait_for_line(f"modes={100 + self.count}")
        with open(path, encoding="utf-8") as modes:
            return re.sub(r"rows \d+; columns \d+;", "", modes.read())

    def run_shell(self, *flags):
        """An interactive shell behind proctor."""
        self.terminal.enter(f"clear; proctor run -it {' '.join(flags)} --env 'PS1=inner> ' "
                            f"--env HISTFILE=/dev/null -- {' '.join(SHELL)}")
        self.terminal.wait_for_line("inner>")

    def test_control_p_acts_before_the_next_key(self):
        self.run_shell()
        self.terminal.enter("clear; echo one")
        self.terminal.wait_for_line("one")
        self.terminal.keys("C-p")
        self.terminal.wait_for_line("inner> clear; echo one")
        self.terminal.keys("C-u", "C-d")
        self.terminal.wait_for_line("outer>")

    def test_vi_is_edited_resized_left_and_found_again(self):
        terminal = self.terminal
        before = self.modes()
        path = self.file("text")
        terminal.enter(f"proctor run -it -- {VI} -u NONE -N {path}")
        terminal.wait_for("~\n~\n")
        terminal.type("ifirst line")
        terminal.keys("Escape")
        terminal.wait_for_line("first line")
        terminal.resize(100, 30)
        # vi draws its last line at the end, so the whole screen is new.
        terminal.wait(lambda screen: screen.splitlines()[1:29] == ["~"] * 28, "a screen of 30 rows")
        terminal.type(":set lines? columns?")
        terminal.keys("Enter")
        terminal.wait_for("lines=30")
        terminal.wait_for("columns=100")
        terminal.keys("Enter", "Escape")
        # A resized tmux leaves rows here when the other screen ends with the cursor at its bottom.
        terminal.wait(lambda screen: "columns=100" not in screen, "vi without its question")
        process_id = self.process_id()

        terminal.keys("Enter", "~d")
        # The line is longer than the window is wide.
        screen = terminal.wait(lambda screen: f"'proctor attach -it {process_id[:12]}'" in
                               screen.replace("\n", ""), "the way back")
        self.assertIn(f"detached from process {process_id}", screen.replace("\n", ""))
        # The shell's screen is back.
        self.assertIn("outer>", screen)
        self.assertNotIn("~\n~", screen)
        self.assertEqual(self.modes(), before)
        self.assertEqual(self.process_id(), process_id)

        # tmux keeps the alternate screen. All that vi shows now, it has drawn again.
        terminal.enter(f"clear; proctor attach -it {process_id[:12]}")
        terminal.wait(lambda screen: screen.splitlines()[:3] == ["first line", "~", "~"],
                      "the screen of vi")
        terminal.type("osecond")
        terminal.keys("Escape")
        terminal.enter(":wq")
        terminal.wait_for("outer>")
        terminal.enter("echo code=$?")
        terminal.wait_for_line("code=0")
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), "first line\nsecond\n")
        self.assertEqual(self.modes(), before)

    def test_job_control_belongs_to_the_shell_inside(self):
        terminal = self.terminal
        before = self.modes()
        self.run_shell()
        with open(self.file("job.py"), "w", encoding="utf-8") as job:
            job.write(JOB)
        terminal.enter(f"{sys.executable} {self.file('job.py')}")
        terminal.wait_for_line("running")
        terminal.keys("C-z")
        terminal.wait_for("Stopped")
        terminal.enter("fg")
        terminal.wait_for_line("going on")
        terminal.keys("C-c")
        terminal.wait(lambda screen: screen.rstrip().endswith("inner>"), "the prompt")
        terminal.enter("echo status=$?")
        terminal.wait_for_line("status=130")
        terminal.enter("stty size; test -t 0 -a -t 1 -a -t 2 && echo terminals")
        terminal.wait_for_line("24 80")
        terminal.wait_for_line("terminals")
        # The terminal edits lines, and a key is the end of file.
        terminal.type("echo abd")
        terminal.keys("BSpace")
        terminal.enter("c | cat -; cat")
        terminal.wait_for_line("abc")
        terminal.enter("echoed")
        terminal.wait(lambda screen: screen.splitlines().count("echoed") == 2, "what cat says")
        terminal.keys("C-d")
        terminal.enter("exit 3")
        terminal.wait_for("outer>")
        terminal.enter("echo code=$?")
        terminal.wait_for_line("code=3")
        self.assertEqual(self.modes(), before)

    def test_disconnecting_ends_the_process_or_keeps_it(self):
        terminal = self.terminal
        before = self.modes()
        self.run_shell()
        doomed = self.process_id()
        terminal.type("~.")
        terminal.wait_for("disconnected from process")
        terminal.wait_for("hangs up its terminal")
        self.assertEqual(self.modes(), before)
        self.assertEqual(self.proctor("wait", doomed).returncode, 128 + signal.SIGHUP)

        self.run_shell("--keep")
        kept = self.process_id()
        # Not at the start of a line.
        terminal.enter("echo x~.")
        terminal.wait_for_line("x~.")
        terminal.enter("")
        terminal.type("~.")
        terminal.wait_for("disconnected from process")
        terminal.enter(f"clear; proctor attach -it {kept}")
        # Does not wait for a whole line: the shell draws its prompt again meanwhile.
        terminal.enter("echo here $((40 + 2))")
        terminal.wait_for("here 42")
        terminal.enter("exit")
        terminal.wait_for("outer>")
        self.assertEqual(self.modes(), before)

    def test_suspending_gives_the_outer_shell_its_terminal(self):
        terminal = self.terminal
        before = self.modes()
        self.run_shell()
        terminal.type("~")
        terminal.keys("C-z")
        terminal.wait_for("Stopped")
        self.assertEqual(self.modes(), before)
        terminal.resize(90, 20)
        terminal.enter("clear; fg")
        terminal.wait_for("proctor run -it")
        terminal.enter("stty size")
        terminal.wait_for_line("20 90")
        terminal.enter("exit 4")
        terminal.wait_for("outer>")
        terminal.enter("echo code=$?")
        terminal.wait_for_line("code=4")
        self.assertEqual(self.modes(), before)

    def test_closing_the_window_leaves_what_is_to_be_kept(self):
        terminal = self.terminal
        self.run_shell("--keep")
        kept = self.process_id()
        terminal.new_window()
        terminal.wait_for_line("outer>")
        terminal.tmux("kill-window", "-t", ":0")
        self.assertEqual(self.process_id(), kept)
        terminal.enter(f"clear; proctor attach -it {kept}")
        terminal.enter("echo still $((40 + 2))")
        terminal.wait_for("still 42")
        # The client before is gone. Otherwise the terminal would be busy.
        terminal.enter("exit 5")
        terminal.wait_for("outer>")
        self.assertEqual(self.proctor("wait", kept).returncode, 5)

    def test_a_killed_client_leaves_the_terminal_as_it_was(self):
        terminal = self.terminal
        before = self.modes()
        self.run_shell()
        os.kill(terminal.foreground(), signal.SIGUSR1)
        terminal.wait_for("outer>")
        self.assertEqual(self.modes(), before)

    def test_a_lost_client_hangs_up_as_ssh_does(self):
        terminal = self.terminal
        history = self.file("history")
        terminal.enter(f"clear; proctor run -it --env 'PS1=inner> ' --env HISTFILE={history} -- "
                       f"{' '.join(SHELL)}")
        terminal.wait_for_line("inner>")
        doomed = self.process_id()
        # Waits for the job and for bash. bash passes SIGHUP on only to the jobs that it has noted,
        # and a job that has not become its program yet has bash's handlers.
        job = "sh -c 'printf \"\\nin the background\\n\"; exec sleep 1000' &"
        terminal.enter(job)
        terminal.wait_for_line("in the background")
        terminal.enter("echo noted $((40 + 2))")
        terminal.wait_for("noted 42")
        os.kill(terminal.foreground(), signal.SIGKILL)
        ended = self.proctor("wait", "--until", "tree-empty", doomed)
        self.assertEqual(ended.returncode, 128 + signal.SIGHUP, ended.stderr)
        with open(history, encoding="utf-8") as saved:
            self.assertIn(job, saved.read().splitlines())

    def test_a_terminal_that_is_only_shown(self):
        done = self.proctor("run", "-t", "--", "sh", "-c", "tty >/dev/null && echo a terminal")
        self.assertEqual((done.returncode, done.stdout), (0, "a terminal\n"), done.stderr)
        refused = self.proctor("run", "-it", "--", "true")
        self.assertEqual(refused.returncode, 125)
        self.assertIn("not a TTY", refused.stderr)


if __name__ == "__main__":
    for name, there in (("tmux", shutil.which("tmux")), ("vi", VI), ("bash", shutil.which("bash"))):
        if not there:
            print(f"skipped: there is no {name} here", flush=True)
            sys.exit(77)
    unittest.main(verbosity=2)
