"""A cgroup of the kernel's own (v2, with memory controller), for servers that are to live in one."""

import errno
import pathlib
import uuid

import pytest
from server import wait_until

MOUNT = pathlib.Path("/sys/fs/cgroup")
# A shell that goes into the cgroup $0, and then is what its words say.
ENTER = 'echo 0 > "$0/cgroup.procs" && exec "$@"'
# The same, and from then on the cgroup is the root of all that it sees, as in a container.
ENTER_AS_ROOT = ENTER.replace("exec", "exec unshare --cgroup --mount sh -c 'umount /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec \"$@\"' sh")
# It sees no other cgroup, but its path is the host's, as in a container without a cgroup namespace.
ENTER_AS_MOUNT = ENTER.replace("exec", 'exec unshare --mount sh -c \'mount --bind "$0" /sys/fs/cgroup && exec "$@"\' "$0"')


class KernelCgroup:
    def __init__(self, directory):
        self.directory = directory

    def make(self):
        self.directory.mkdir()
        return self

    def child(self, name):
        (self.directory / "cgroup.subtree_control").write_text("+memory")
        return KernelCgroup(self.directory / name).make()

    def limit(self, value, name="memory.max"):
        (self.directory / name).write_text(str(value))

    def number(self, name):
        return int((self.directory / name).read_text())

    def counts(self, name):
        return {key: int(value) for key, value in (line.split() for line in (self.directory / name).read_text().splitlines())}

    def used(self):
        """What is taken, without what the kernel would drop: files that nobody has mapped."""
        stat = self.counts("memory.stat")
        files = stat["inactive_file"] + stat["active_file"]
        return self.number("memory.current") - max(0, files - max(0, stat["file_mapped"] - stat["shmem"]))

    def killed(self):
        return self.counts("memory.events")["oom_kill"]

    def enter(self, how=ENTER):
        return ["sh", "-c", how, str(self.directory)]

    def remove(self):
        for child in self.directory.glob("*/"):
            KernelCgroup(child).remove()
        (self.directory / "cgroup.kill").write_text("1")
        wait_until(lambda: not (self.directory / "cgroup.procs").read_text(), what=f"{self.directory} to be empty")
        self.directory.rmdir()


def make_or_skip():
    """A new cgroup below the root of what is mounted; skips the test where there is none to be had."""
    here = "tools/uml.sh cgroup has one"
    controllers = MOUNT / "cgroup.controllers"
    if not controllers.exists() or "memory" not in controllers.read_text().split():
        pytest.skip(f"no cgroup v2 with the memory controller at {MOUNT}; {here}")
    try:
        (MOUNT / "cgroup.subtree_control").write_text("+memory")
        cgroup = KernelCgroup(MOUNT / f"labcoat-test-{uuid.uuid4().hex}").make()
    except OSError as error:
        pytest.skip(f"no cgroup can be made at {MOUNT} ({errno.errorcode[error.errno]}); {here}")
    if (cgroup.directory / "memory.swap.max").exists():
        cgroup.limit(0, "memory.swap.max")
    return cgroup
