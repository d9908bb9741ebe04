#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A folder that Debian's Samba served, served by smb3d, and back: attributes and creation times stay.
. "$(dirname "$0")/lib.sh"
[ "$PEER" = smb3d ] || skip_all "starts both servers itself"
is_root || skip_all "Samba needs root"
command -v smbd >/dev/null || skip_all "no smbd"
command -v getfattr >/dev/null || skip_all "no getfattr"

serve_with() # smb3d|samba
{
	[ -z "$SERVER_PID" ] || server_stop >/dev/null
	PEER=$1
	# shellcheck disable=SC2034  # lib.sh reads it: a new one
	PORT=
	rm -f "$WORK/private/smbpasswd"
	server_conf
	server_users && server_start
}

stored() { getfattr --only-values -n user.DOSATTRIB "$SHARE/$1" | od -An -tx1; }

fill_as() # PREFIX: the same files, whoever serves
{
	local times="2001:02:03-04:05:06 2002:02:03-04:05:06 2003:02:03-04:05:06 2004:02:03-04:05:06"
	smb "put $0 $1-file; setmode $1-file +rhs; utimes $1-file $times; mkdir $1-dir; setmode $1-dir +h; put $0 $1-bare; setmode $1-bare -a"
}

shows() # PREFIX
{
	local said
	said=$(smb ls)
	printf '%s\n' "$said"
	grep -qE "^ *$1-file +AHSR .* Feb +3 04:05:06 2003" <<<"$said" &&
		grep -qE "^ *$1-dir +DH " <<<"$said" && grep -qE "^ *$1-bare +N? +[0-9]+ " <<<"$said"
}

same_bytes() # NAME: what both stored for equal files
{
	stored "samba-$1"
	stored "smb3d-$1"
	[ "$(stored "samba-$1")" = "$(stored "smb3d-$1")" ]
}

client_conf
t "Samba starts" serve_with samba
t "Samba stores attributes and times" fill_as samba
t "smb3d starts on the same folder" serve_with smb3d
t "smb3d shows what Samba stored" shows samba
t "smb3d stores attributes and times" fill_as smb3d
t "the bytes are Samba's" same_bytes file
t "Samba starts again" serve_with samba
t "Samba shows what smb3d stored" shows smb3d
t "Samba shows smb3d's creation time" says 'create_time: +Sat Feb +3 04:05:06 2001' smb "allinfo smb3d-file"
finish
