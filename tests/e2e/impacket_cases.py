# SPDX-License-Identifier: Apache-2.0
"""impacket_cases.py HOST PORT: what impacket.sh runs; TAP lines without numbers."""
import io
import os
import sys
import traceback

from impacket.smb3 import SMB3
from impacket.smb3structs import (
    FILE_OPEN, FILE_OVERWRITE_IF, FILE_READ_DATA, FILE_SHARE_READ, FILE_SHARE_WRITE, FILE_WRITE_DATA,
    SMB2_DIALECT_002, SMB2_DIALECT_21, SMB2_DIALECT_30, SMB2_DIALECT_302, SMB2_DIALECT_311)
from impacket.smbconnection import SessionError, SMBConnection

HOST, PORT = sys.argv[1], int(sys.argv[2])
DIALECTS = {"2.0.2": SMB2_DIALECT_002, "2.1": SMB2_DIALECT_21, "3.0": SMB2_DIALECT_30,
            "3.0.2": SMB2_DIALECT_302, "3.1.1": SMB2_DIALECT_311}


def connect(dialect, user="tester", password="secret"):
    # SMBConnection itself does not take 3.0.2, the class beneath it does
    smb = SMB3(HOST, HOST, sess_port=PORT, preferredDialect=dialect, timeout=60)
    c = SMBConnection(HOST, HOST, sess_port=PORT, existingConnection=smb)
    assert c.getDialect() == dialect, f"dialect {c.getDialect():#x}"
    if dialect == SMB2_DIALECT_311:
        # Debian's impacket (0.10) starts the session's preauthentication hash from zeros instead of from
        # the connection's in its NTLM login ([MS-SMB2] 3.2.5.3.1; its Kerberos login does it right), so no
        # server can verify what it signs. Mended here; newer ones do the same.
        smb._Session["PreauthIntegrityHashValue"] = smb._Connection["PreauthIntegrityHashValue"]
    c.login(user, password)
    return c


def status_of(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except SessionError as error:
        return error.getErrorCode()
    return 0


def list_shares(c):
    names = [s["shi1_netname"][:-1] for s in c.listShares()]
    assert "share" in names and "IPC$" in names, names


def put_get(c):
    data = os.urandom(1500001)
    c.putFile("share", "impacket.bin", io.BytesIO(data).read)
    back = io.BytesIO()
    c.getFile("share", "impacket.bin", back.write)
    assert back.getvalue() == data, "what came back differs"
    found = [f for f in c.listPath("share", "*") if f.get_longname() == "impacket.bin"]
    assert len(found) == 1 and found[0].get_filesize() == len(data)
    c.deleteFile("share", "impacket.bin")
    assert not [f for f in c.listPath("share", "*") if f.get_longname() == "impacket.bin"]


def folders(c):
    c.createDirectory("share", "one")
    c.putFile("share", "one\\file", io.BytesIO(b"x").read)
    c.rename("share", "one", "two")
    assert [f.get_longname() for f in c.listPath("share", "two\\*")].count("file") == 1
    c.deleteFile("share", "two\\file")
    c.deleteDirectory("share", "two")


def offsets(c):
    """Single reads and writes at odd offsets, and a read past the end."""
    tree = c.connectTree("share")
    f = c.openFile(tree, "offsets", FILE_READ_DATA | FILE_WRITE_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE,
                   creationDisposition=FILE_OVERWRITE_IF)
    c.writeFile(tree, f, b"abc", 100001)
    c.writeFile(tree, f, b"start", 0)
    assert c.readFile(tree, f, 100000, 5) == b"\0abc"
    assert c.readFile(tree, f, 3, 4) == b"rt\0\0"
    assert status_of(c.readFile, tree, f, 200000, 5) in (0, 0xC0000011)
    c.closeFile(tree, f)
    c.deleteFile("share", "offsets")
    c.disconnectTree(tree)


def errors(c):
    tree = c.connectTree("share")
    assert status_of(c.openFile, tree, "none", FILE_READ_DATA, creationDisposition=FILE_OPEN) == 0xC0000034
    assert status_of(c.openFile, tree, "no\\ne", FILE_READ_DATA, creationDisposition=FILE_OPEN) == 0xC000003A
    assert status_of(c.connectTree, "nosuch") == 0xC00000CC
    c.disconnectTree(tree)


def many_opens(c):
    tree = c.connectTree("share")
    opens = [c.openFile(tree, f"open-{i}", FILE_WRITE_DATA, creationDisposition=FILE_OVERWRITE_IF)
             for i in range(100)]
    for i, f in enumerate(opens):
        c.writeFile(tree, f, b"%d" % i)
    for f in opens:
        c.closeFile(tree, f)
    for i in range(100):
        c.deleteFile("share", f"open-{i}")
    c.disconnectTree(tree)


def wrong_password(dialect):
    def case(_):
        assert status_of(connect, dialect, "tester", "wrong") == 0xC000006D
        assert status_of(connect, dialect, "nobody", "secret") == 0xC000006D
    return case


def logoff(c):
    c.logoff()


def tell(name, case, connection):
    try:
        case(connection)
        print(f"ok - {name}", flush=True)
    except Exception:               # whatever impacket raises is this case's failure
        print(f"not ok - {name}", flush=True)
        for line in traceback.format_exc().splitlines()[-8:]:
            print(f"# {line}", flush=True)


def main():
    for label, dialect in DIALECTS.items():
        try:
            connection = connect(dialect)
        except Exception as error:
            print(f"not ok - {label}: login")
            print(f"# {error!r}", flush=True)
            continue
        print(f"ok - {label}: login", flush=True)
        for name, case in (("list shares", list_shares), ("put, get, list, delete", put_get),
                           ("folders and rename", folders), ("odd offsets", offsets),
                           ("errors", errors), ("a hundred opens", many_opens),
                           ("a wrong password is refused", wrong_password(dialect)),
                           ("logoff", logoff)):
            tell(f"{label}: {name}", case, connection)


main()
