#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Previous versions as smbclient sees them, and what cannot be done with them; configured as for Samba's
# shadow_copy2, so that PEER=samba knows whether a case is right (4.17 itself lets a version be overwritten, and
# takes a share without versions for one where all are the present one).
. "$(dirname "$0")/lib.sh"
T1=@GMT-2020.01.02-03.04.05
T2=@GMT-2021.01.02-03.04.05
NAMED=@GMT-2022.07.01-12.00.00 # in the other share by local time, which is two hours ahead then
BASE=$WORK/volume
export TZ=Europe/Berlin

# A volume with a folder "data" that is shared, and its snapshots.
make_versions()
{
	local s=$BASE/.snapshots
	mkdir -p "$BASE/data/folder" "$s/$T1/data/folder" "$s/$T2/data" "$s/not a time" "$BASE/named/2022-07-01_14.00/data"
	echo new >"$BASE/data/file"
	echo now >"$BASE/data/fresh"
	echo first >"$s/$T1/data/file"
	echo gone >"$s/$T1/data/folder/lost"
	echo second >"$s/$T2/data/file"
	echo third >"$BASE/named/2022-07-01_14.00/data/file"
	echo secret >"$BASE/secret"
	ln -s ../../../secret "$s/$T1/data/out"
	ln -s folder/lost "$s/$T1/data/in"
	setfattr -n user.DosStream.s:\$DATA -v 'of then\012\000' "$s/$T1/data/file"
	chmod -R a+rwX "$BASE"
	! is_root || chown -R tester "$BASE"
}

# gets NAME TEXT: the file has this content
gets()
{
	rm -f "$WORK/got"
	smb "get $1 $WORK/got" && diff <(echo "$2") "$WORK/got"
}

# The versions that allinfo names, in its order.
versions() { smb "allinfo $1" | grep -o '^@GMT-[0-9.-]*'; }

lists() # TITLE... : what the share's versions are
{
	local said
	said=$(versions file)
	printf '%s\n' "$said"
	[ "$said" = "$(printf '%s\n' "$@")" ]
}

finds_lost()
{
	local said
	said=$(smb "ls $T1\\folder\\*")
	printf '%s\n' "$said"
	grep -qE '^ +lost ' <<<"$said"
}

shows_then()
{
	local said
	said=$(smb "ls $T1\\*")
	printf '%s\n' "$said"
	grep -qE '^ +file ' <<<"$said" && grep -qE '^ +in ' <<<"$said" && ! grep -qE '^ +(fresh|out) ' <<<"$said"
}

# Whatever would change a version is refused, and has changed nothing.
changes_nothing()
{
	local command before
	before=$(as_files "$BASE/.snapshots")
	for command in "del $T1\\file" "rename $T1\\file $T1\\other" "rename $T1\\file file2" "put $0 $T1\\file" \
		"put $0 $T1\\made" "mkdir $T1\\made" "rmdir $T1\\folder" "setmode $T1\\file +h" "hardlink $T1\\file hard" \
		"utimes $T1\\file -1 -1 2001:02:03-04:05:06 -1" "deltree $T1\\folder"; do
		# smbclient says that a rename or a link is of another device, or that all is write-protected
		says 'NT_STATUS_' smb "$command" || return 1
	done
	diff <(echo "$before") <(as_files "$BASE/.snapshots") && [ ! -e "$SHARE/hard" ] && [ ! -e "$SHARE/file2" ]
}

conf_of() # DIRECTORY EXTRA...
{
	local line
	[ "$PEER" != samba ] || echo "vfs objects = shadow_copy2 streams_xattr"
	echo "shadow:basedir = $BASE
		shadow:mountpoint = $BASE
		shadow:snapdir = $1"
	shift
	for line; do echo "$line"; done
}

SHARE=$BASE/data
mkdir -p "$BASE"
server_up "" "$(conf_of .snapshots "shadow:sort = desc")
[named]
	path = $SHARE
	read only = no
$(conf_of "$BASE/named" "shadow:format = %Y-%m-%d_%H.%M" "shadow:localtime = yes")
[none]
	path = $SHARE"
make_versions
t "allinfo names the versions, the newest first" lists $T2 $T1
t "the file as it is" gets file new
t "as it was first" gets "$T1\\file" first
t "as it was then" gets "$T2\\file" second
t "a stream as it was" gets "$T1\\file:s" "of then"
t "what is deleted by now" gets "$T1\\folder\\lost" gone
t "a version of a folder is listed" finds_lost
t "the share as it was" shows_then
t "a link in a version leads to what it led to" gets "$T1\\in" gone
t "and not out of it" says 'NT_STATUS_(OBJECT_NAME_NOT_FOUND|OBJECT_PATH_NOT_FOUND|ACCESS_DENIED|STOPPED)' \
	smb "get $T1\\out $WORK/out"
t "no version of another time" says NT_STATUS_OBJECT smb "get @GMT-2020.01.02-03.04.06\\file $WORK/none"
t "a version cannot be changed" changes_nothing
export SHARE_NAME=named
t "a version of another format" gets "$NAMED\\file" third
t "its listing has it in UTC" lists $NAMED
export SHARE_NAME=none
t "a share without versions" says NT_STATUS_OBJECT smb "get $T1\\file $WORK/none"
finish
