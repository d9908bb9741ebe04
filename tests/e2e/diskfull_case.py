# SPDX-License-Identifier: Apache-2.0
"""diskfull_case.py HOST PORT FOLDER: writes 64 KiB pieces until one fails; the pieces before must be there."""
import os
import sys

from impacket.smb3structs import FILE_OVERWRITE_IF, FILE_READ_DATA, FILE_WRITE_DATA
from impacket.smbconnection import SessionError, SMBConnection

HOST, PORT, FOLDER = sys.argv[1], int(sys.argv[2]), sys.argv[3]
PIECE = 65536
DISK_FULL = 0xC000007F

smb = SMBConnection(HOST, HOST, sess_port=PORT, preferredDialect=0x0300, timeout=60)
smb.login("tester", "secret")
tree = smb.connectTree("full")
handle = smb.openFile(tree, "pieces", FILE_READ_DATA | FILE_WRITE_DATA, creationDisposition=FILE_OVERWRITE_IF)
acknowledged = []
status = 0
try:
    while len(acknowledged) < 1000:
        piece = os.urandom(PIECE)
        smb.writeFile(tree, handle, piece, len(acknowledged) * PIECE)
        acknowledged.append(piece)
except SessionError as error:
    status = error.getErrorCode()
print(f"{len(acknowledged)} pieces, then {status:#x}")
assert status == DISK_FULL, "the error is not STATUS_DISK_FULL"
assert len(acknowledged) > 50, "it was full from the beginning"
for number, piece in enumerate(acknowledged):
    assert smb.readFile(tree, handle, number * PIECE, PIECE) == piece, f"piece {number} differs"
smb.closeFile(tree, handle)
with open(os.path.join(FOLDER, "pieces"), "rb") as kept:
    assert kept.read(len(acknowledged) * PIECE) == b"".join(acknowledged), "the file differs"
smb.deleteFile("full", "pieces")
