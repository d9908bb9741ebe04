# SPDX-License-Identifier: Apache-2.0
"""torture_cases.py HOST PORT CLIENT-CONF LOGS EXPECTED SUITE: one suite of smbtorture, as torture.sh runs it.

Each test of the suite is a run of its own, so that none depends on the one before. EXPECTED says what must
come of it (see its head). A test that passes and is not expected to is reported as such: it belongs in the list.

All that pass do so three times in a run of CI: in the release build and under both sanitizers (but for SLOW and
ONCE_LESS).
"""
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait

SECONDS = {"smb2.maxfid": 600, "smb2.scan": 300, "smb2.dir.large-files": 300, "smb2.dir.many": 300}
USUAL_SECONDS = 90
# Half a minute and more of waiting: once a run of CI.
SLOW = {"smb2.notify.mask", "smb2.lease.timeout", "smb2.oplock.batch22a", "smb2.lease.oplock", "smb2.lease.break",
        "smb2.secleak.secleak"}
# Too much for TSan: 65,520 opens, and a folder that is listed for half a minute.
ONCE_LESS = {"smb2.maxfid.maxfid", "smb2.compound_find.compound_find_close"}
# smbtorture gives a break or a notification one second to come, whatever the machine has to do. What fails there
# is asked once more, when nothing of ours runs beside it, and its line says so.
TIMED = ("smb2.lease", "smb2.dirlease", "smb2.oplock", "smb2.notify", "smb2.multichannel", "smb2.timestamps")
# The share that a suite has for itself, and what else it has to be told.
OWN = {"smb2.twrp": ("versions", ["twrp_file=foo", "twrp_stream=bar", "twrp_stream_size=3",
                                  "twrp_snapshot=@GMT-2015.10.31-19.40.30"])}
# They wait for seconds that nothing comes, each in a folder of its own: begun at once.
AT_ONCE = {f"smb2.dirlease.{test}" for test in ("setatime", "setbtime", "setctime", "setmtime", "setdos", "seteof",
                                                "hardlink", "leases", "overwrite", "rename_dst_parent")}
SMBTORTURE = os.environ["SMBTORTURE"]
TSAN = os.environ.get("SMB3D_PRESET") == "tsan"
SMALL = os.environ.get("SIZE") == "small"
RESULT = re.compile(r"^(success|failure|error|skip): (.*?)( \[)?$")


def torture(*arguments, **how):
    """smbtorture, perhaps with libraries of its own beside the system's."""
    env = dict(os.environ)
    if "SMBTORTURE_LIBRARIES" in env:
        env["LD_LIBRARY_PATH"] = env["SMBTORTURE_LIBRARIES"]
    return subprocess.run([SMBTORTURE, *arguments], env=env, capture_output=True, text=True, errors="replace",
                          check=False, **how)


def read_expected(path, suite):
    """test: (pass|fail|skip, reason), in the file's order."""
    expected = {}
    with open(path, encoding="utf-8") as text:
        for line in text:
            fields = line.rstrip("\n").split("\t")
            if not line.startswith("#") and len(fields) >= 3 and fields[0] == suite:
                expected[fields[1]] = (fields[2], fields[3] if len(fields) > 3 else "")
    return expected


def listed(suite):
    """test: the name smbtorture runs it by. It lists a.T.T for the test T of suite a."""
    names = torture("--list").stdout.split("\n")
    tests = {}
    for name in names:
        if name.startswith(suite + "."):
            parts = name[len(suite) + 1:].split(".")
            if len(parts) > 1 and parts[-1] == parts[-2]:
                parts.pop()
            tests[".".join(parts)] = name if "." in name[len(suite) + 1:] else suite
    return tests


def run_test(argv, seconds, log):
    """What smbtorture made of one test: (result, first line of its reason)."""
    try:
        run = torture(*argv, timeout=seconds, stdin=subprocess.DEVNULL)
        out, status = run.stdout + run.stderr, run.returncode
    except subprocess.TimeoutExpired as expired:
        out, status = (expired.stdout or b"").decode(errors="replace"), None
    with open(log, "w", encoding="utf-8") as text:
        text.write(" ".join([SMBTORTURE, *argv]) + "\n" + out)
    lines = out.split("\n")
    for number, line in enumerate(lines):
        found = RESULT.match(line)
        if found:
            return found[1], lines[number + 1][:200] if found[3] else ""
    return "error", f"no end within {seconds} s" if status is None else f"no result, status {status}"


def tell(name, expectation, reason, result, why):
    if result == "success":
        if expectation != "pass":
            print(f"# {name} passes and is not expected to: let torture.expected say pass")
        print(f"ok - {name}", flush=True)
    elif expectation == "pass":
        print(f"not ok - {name}\n# {result}: {why}", flush=True)
    else:
        print(f"ok - {name} # SKIP {reason or 'not expected to pass'} ({result})", flush=True)


def main(host, port, conf, logs, expected_path, suite):
    expected, tests = read_expected(expected_path, suite), listed(suite)
    os.makedirs(logs, exist_ok=True)
    share, options = OWN.get(suite, ("share", []))
    command = [f"//{host}/{share}", "-p", port, "-U", "tester%secret", "-s", conf,
               "--format=subunit", "--option=torture:progress=no", f"--basedir={logs}",
               "--option=torture:user2name=tester2", "--option=torture:user2password=secret2"]
    command += [f"--option=torture:{option}" for option in options]
    # 4.22's list is of what 4.17 has not: of the rest, nothing is said
    others = [] if os.environ.get("LISTED_ONLY") else [t for t in tests if t not in expected]

    def run(test):
        seconds = SECONDS.get(f"{suite}.{test}", SECONDS.get(suite, USUAL_SECONDS))
        return run_test(command + [tests[test]], seconds,
                        os.path.join(logs, re.sub(r"[^\w.-]", "_", f"{suite}.{test}.log")))

    with ThreadPoolExecutor(len(AT_ONCE)) as pool:
        begun = {test: pool.submit(run, test) for test in tests
                 if f"{suite}.{test}" in AT_ONCE and expected.get(test, ("",))[0] == "pass"}
        for test in list(expected) + others:
            expectation, reason = expected.get(test, ("fail", "not in the list"))
            name = f"{suite} {test}"
            if expectation == "skip":
                print(f"ok - {name} # SKIP {reason}", flush=True)
            elif expectation == "fail" and os.environ.get("TORTURE") != "all":
                print(f"ok - {name} # SKIP {reason}", flush=True)
            elif SMALL and f"{suite}.{test}" in SLOW:
                print(f"ok - {name} # SKIP it waits for long: the release build alone has the time", flush=True)
            elif TSAN and f"{suite}.{test}" in ONCE_LESS:
                print(f"ok - {name} # SKIP too much for TSan", flush=True)
            elif test not in tests:
                print(f"not ok - {name}\n# this smbtorture has no such test", flush=True)
            else:
                result, why = begun[test].result() if test in begun else run(test)
                if result != "success" and expectation == "pass" and suite in TIMED:
                    wait(begun.values())
                    name += f" (at the second try; before: {why.replace('#', '')})"
                    result, why = run(test)
                tell(name, expectation, reason, result, why)


if __name__ == "__main__":
    main(*sys.argv[1:])
