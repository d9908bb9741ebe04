#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# smbcacls against smb3d; and a folder that Debian's Samba served with acl_xattr and streams_xattr, served by
# smb3d, and back: descriptors, streams, extended attributes and what they allow stay.
# In a network namespace of its own: smbcacls knows no port but 445.
if [ -z "${ACL_NETNS:-}" ] && [ "$(id -u)" -eq 0 ] && unshare -n true 2>/dev/null; then
	export ACL_NETNS=1
	exec unshare -n "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
[ "$PEER" = smb3d ] || skip_all "starts both servers itself"
is_root || skip_all "Samba needs root"
[ -n "${ACL_NETNS:-}" ] || skip_all "no network namespaces"
command -v smbd >/dev/null || skip_all "no smbd"
command -v smbcacls >/dev/null || skip_all "no smbcacls"
ip link set lo up

serve_with() # smb3d|samba
{
	[ -z "$SERVER_PID" ] || server_stop >/dev/null
	PEER=$1
	# shellcheck disable=SC2034  # lib.sh reads it
	PORT=445
	rm -f "$WORK/private/smbpasswd"
	server_conf
	server_users && server_start
}

cacls() # [-U USER%PASS] ARGUMENTS: smbcacls with numbers
{
	timeout 60 smbcacls "//$HOST/share" -s "$WORK/client/smb.conf" -U "${CREDS:-tester%secret}" --numeric "$@"
}

as2() { CREDS=tester2%secret2 "$@"; }

same() { diff "$WORK/$1" "$WORK/$2"; }

save() { cacls "$1" >"$WORK/$2"; }

ACE=S-1-22-1-$(id -u tester2)

client_conf
echo "what is in the file" >"$WORK/text"
echo "what is in the stream" >"$WORK/stream"

# ---- Samba, then smb3d

t "Samba serves the folder" serve_with samba
server_alive || finish
timeout 20 net -s "$CONF" getlocalsid 2>/dev/null | grep -oE 'S-1-5-21[-0-9]+' >"$WORK/machine"
t "it is filled through Samba" smb "put $WORK/text f; put $WORK/text secret; mkdir d; put $WORK/stream f:info"
t "... with an entry for tester2" cacls -a "ACL:$ACE:ALLOWED/0x0/READ" f
t "... a denial" cacls -a "ACL:$ACE:DENIED/0x0/FULL" secret
t "... and one to inherit" cacls -a "ACL:$ACE:ALLOWED/OI|CI/CHANGE" d
t "... seen" eval 'save f f.samba && save secret secret.samba && save d d.samba'

cp "$WORK/machine" "$WORK/state/machine.sid"
t "smb3d serves the folder" serve_with smb3d
server_alive || finish
t "the file's descriptor is Samba's" eval 'save f f.smb3d && same f.samba f.smb3d'
t "... the denial's" eval 'save secret secret.smb3d && same secret.samba secret.smb3d'
t "... the directory's" eval 'save d d.smb3d && same d.samba d.smb3d'
t "the stream is there" eval 'smb "get f:info $WORK/got" && cmp "$WORK/stream" "$WORK/got"'
t "... and listed" says 'stream: \[:info:\$DATA\], 22 bytes' smb "allinfo f"
t "who is denied may not read" refused "NT_STATUS_ACCESS_DENIED" as2 smb "get secret $WORK/got"
t "who is not denied may" smb "get secret $WORK/got"
t "the owner owns it" cacls -a "ACL:S-1-1-0:ALLOWED/0x0/READ" secret

# ---- set through smb3d

t "smb3d is given a file" smb "put $WORK/text own; put $WORK/text d\\heir; mkdir d\\sub; put $WORK/stream own:more"
t "a new file inherits" says "ACL:$ACE:0/0x(0|10)/0x001301ff" cacls d/heir
t "... a new directory hands it on" says "ACL:$ACE:0/0x3/0x001301ff" cacls d/sub
t "an entry is added" cacls -a "ACL:$ACE:ALLOWED/0x0/READ" own
t "... seen" says "ACL:$ACE:0/0x0/0x001200a9" cacls own
t "... changed" cacls -M "ACL:$ACE:ALLOWED/0x0/FULL" own
t "... seen" says "ACL:$ACE:0/0x0/0x001f01ff" cacls own
t "... and removed" eval 'cacls -D "ACL:$ACE:ALLOWED/0x0/FULL" own && ! cacls own | grep "$ACE"'
t "all are set" cacls -S "ACL:S-1-22-1-$(id -u tester):ALLOWED/0x0/FULL,ACL:$ACE:ALLOWED/0x0/READ" own
t "who may read reads" as2 smb "get own $WORK/got"
t "... and does not write" refused "NT_STATUS_ACCESS_DENIED" as2 smb "put $WORK/text own"
t "... nor change who may" refused "ACCESS_DENIED" as2 cacls -a "ACL:$ACE:ALLOWED/0x0/FULL" own
t "a directory lets add and not delete" eval 'smb "mkdir closed" &&
	cacls -S "ACL:S-1-22-1-$(id -u tester):ALLOWED/0x0/FULL,ACL:$ACE:ALLOWED/0x0/0x001201bf" closed'
t "... so both add to it" eval 'smb "put $WORK/text closed\\kept" && as2 smb "put $WORK/text closed\\mine"'
t "... and one does not replace the other's" refused "NT_STATUS_ACCESS_DENIED" \
	as2 smb "rename closed\\mine closed\\kept -f"
t "... nor delete it" says "NT_STATUS_ACCESS_DENIED" as2 smb "rm closed\\kept"
t "... but to another name it goes" as2 smb "rename closed\\mine closed\\other -f"
t "the mode says as much" eval '[ "$(getfacl -cnp "$SHARE/own" | grep -c "^user:$(id -u tester2):r-")" = 1 ]'
t "... and takes it back" eval 'chmod 0600 "$SHARE/own" && ! cacls own | grep "$ACE:0/0x0/0x001200a9"'
t "all are set again" cacls -S "ACL:S-1-22-1-$(id -u tester):ALLOWED/0x0/FULL,ACL:$ACE:ALLOWED/0x0/READ" own
t "... seen" eval 'save own own.smb3d && save d/sub sub.smb3d'

# ---- and back

t "Samba serves the folder again" serve_with samba
server_alive || finish
t "smb3d's descriptor of a file holds with Samba" eval 'save own own.samba && same own.smb3d own.samba'
t "... of a directory" eval 'save d/sub sub.samba && same sub.smb3d sub.samba'
t "... and what Samba had stored" eval 'save d d.again && same d.samba d.again'
t "smb3d's stream is one of Samba's" eval 'smb "get own:more $WORK/got" && cmp "$WORK/stream" "$WORK/got"'
t "who may read reads" as2 smb "get own $WORK/got"
t "... and does not write" refused "NT_STATUS_ACCESS_DENIED" as2 smb "put $WORK/text own"
finish
