# SPDX-License-Identifier: Apache-2.0
"""smb3d and Debian's smbd side by side, each served by hold.sh in a network namespace that both share, and what a turn
of smb3bench costs each. What the scripts of this folder have in common."""
import json
import os
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("SMB3D_BIN", os.path.join(TOP, "build", "release", "bin"))
LOGS = os.environ.get("TEST_LOGS", os.path.join(TOP, "build", "test-logs", "perf"))
TICK = os.sysconf("SC_CLK_TCK")


def fields_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        return stat.read().rpartition(")")[2].split()


def family_of(server):
    """{pid: fields} of a process and of what it started."""
    parents = {}
    for name in os.listdir("/proc"):
        try:
            if name.isdigit():
                parents[int(name)] = fields_of(name)
        except OSError:
            continue
    family, grown = {server}, True
    while grown:
        more = {p for p, f in parents.items() if int(f[1]) in family} - family
        family, grown = family | more, bool(more)
    return {p: parents[p] for p in family if p in parents}


def cpu_seconds(server):
    """User and system time of a process, of what it started, and of its children that are gone."""
    return sum(sum(int(n) for n in fields[11:15]) for fields in family_of(server).values()) / TICK


def resident_kib(pid):
    """What a process holds of memory now, and has held at most since reset_peak()."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        lines = dict(line.split(":", 1) for line in status if ":" in line)
    return int(lines["VmRSS"].split()[0]), int(lines["VmHWM"].split()[0])


def reset_peak(pid):
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as refs:
        refs.write("5")


class Server:
    def __init__(self, peer):
        self.name = "smbd" if peer else "smb3d"
        env = {**os.environ, "TEST_LOGS": os.path.join(LOGS, self.name)}
        env.update({"PEER": "samba"} if peer else {"PEER": "smb3d"})
        self.holder = subprocess.Popen([os.path.join(TOP, "tests", "perf", "hold.sh")], env=env, text=True,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        said = self.holder.stdout.readline().split(maxsplit=2)
        if len(said) != 3:
            raise RuntimeError(f"{self.name} did not start")
        self.port, self.pid, self.share = int(said[0]), int(said[1]), said[2].strip()

    def stop(self):
        self.holder.stdin.close()
        return self.holder.wait(120)

    def settle(self, processes):
        """smbd has a child for the connection, which ends now: half gone, its time would be lost."""
        for _ in range(60):
            time.sleep(0.05)
            if set(family_of(self.pid)) <= processes:
                return

    def measure(self, *options):
        """One turn: what smb3bench got, and what it cost the server."""
        processes, before = set(family_of(self.pid)), cpu_seconds(self.pid)
        result = bench(self.port, *options)
        self.settle(processes)
        result["cpu_s"] = cpu_seconds(self.pid) - before
        return result


def bench(port, *options):
    """smb3bench's JSON."""
    command = [os.path.join(BIN, "smb3bench"), f"//127.0.0.1:{port}/share", "-U", "tester%secret",
               "--congestion", "cubic", "--json", "--quiet", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()[-400:]}")
    return json.loads(done.stdout)


def in_namespace(script):
    """Runs the script again in a network namespace whose loopback routes say cubic, for clients and servers alike
    (a default of BBR cripples the loopback); returns there. False: it cannot, for want of root.

    (A namespace may not choose its default from what the machine has not allowed; a route may.)
    """
    if os.geteuid() != 0:
        print("1..0 # SKIP needs root for a network namespace and for smbd")
        return False
    os.makedirs(LOGS, exist_ok=True)
    if "PERF_NAMESPACE" in os.environ:
        return True
    setup = ("ip link set lo up && for net in 127.0.0.0/8 127.0.0.1; do ip route change table local local $net dev lo "
             "proto kernel scope host src 127.0.0.1 congctl cubic || exit 1; done; "
             "PERF_NAMESPACE=1 exec /usr/bin/python3 \"$0\"")
    sys.stdout.flush()
    os.execvp("unshare", ["unshare", "--net", "sh", "-c", setup, os.path.abspath(script)])
    return False


def save(name, results):
    path = os.path.join(LOGS, name)
    with open(path, "w", encoding="utf-8") as out:
        json.dump(results, out, indent=1)
    print(f"# {os.path.relpath(path, TOP)}")
