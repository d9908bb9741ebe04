#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's smbclient: every file command at every dialect, signed and not; trees, tar, a 4 GiB file.
. "$(dirname "$0")/lib.sh"

DIALECTS="SMB2_02 SMB2_10 SMB3_00 SMB3_02 SMB3_11"
if [ "$SIZE" = small ]; then FILES=300 BIG_MIB=64; else FILES=10000 BIG_MIB=4096; fi

# What one user does with one file and one folder; $1... are options for smbclient.
file_life()
{
	local f=$WORK/life
	rm -rf "${SHARE:?}"/*
	head -c 3000001 /dev/urandom >"$f"
	smb "$@" "put $f one.bin; mkdir dir; cd dir; put $f two.bin; ls" || return 1
	cmp "$f" "$SHARE/one.bin" && cmp "$f" "$SHARE/dir/two.bin" || return 1
	smb "$@" "ls" | grep -E '^ +one.bin +A? +3000001 ' || return 1
	smb "$@" "rename one.bin three.bin; get three.bin $f.back; allinfo three.bin" || return 1
	[ ! -e "$SHARE/one.bin" ] && cmp "$f" "$f.back" || return 1
	smb "$@" "del three.bin; cd dir; del two.bin; cd ..; rmdir dir" || return 1
	[ -z "$(ls -A "$SHARE")" ]
}

says_dialect() # DIALECT: the connection really is of that dialect
{
	smb -m "$1" --option="client min protocol=$1" "ls"
}

recurse()
{
	rm -rf "${SHARE:?}"/* "$WORK/back"
	mkdir "$WORK/back"
	smb "lcd $WORK/tree; prompt off; recurse on; mput *" >/dev/null || return 1
	same_tree "$WORK/tree" "$SHARE" || return 1
	smb "lcd $WORK/back; prompt off; recurse on; mget *" >/dev/null || return 1
	same_tree "$WORK/tree" "$WORK/back"
}

tar_out()
{
	rm -rf "$WORK/back"
	mkdir "$WORK/back"
	smb "tar c $WORK/out.tar" || return 1
	tar -xf "$WORK/out.tar" -C "$WORK/back" || return 1
	same_tree "$WORK/tree" "$WORK/back"
}

tar_in()
{
	rm -rf "${SHARE:?}"/*
	tar -cf "$WORK/in.tar" -C "$WORK/tree" . || return 1
	smb "tar x $WORK/in.tar" || return 1
	same_tree "$WORK/tree" "$SHARE"
}

delete_tree()
{
	smb "recurse on; prompt off; deltree *" >/dev/null || return 1
	[ -z "$(ls -A "$SHARE")" ]
}

# A file of BIG_MIB: holes, with random bytes at places that a wrong offset would not survive.
big_file()
{
	local big=$WORK/big.bin
	rm -rf "${SHARE:?}"/*
	/usr/bin/python3 - "$big" $((BIG_MIB << 20)) <<-'EOF'
	import os, random, sys
	size = int(sys.argv[2])
	with open(sys.argv[1], "wb") as f:
	    f.truncate(size)
	    for at in [0, size // 2 - 5, size - 70000] + [random.randrange(size - 70000) for _ in range(2000)]:
	        f.seek(at)
	        f.write(os.urandom(70000))
	EOF
	smb "put $big big.bin; allinfo big.bin" || return 1
	cmp "$big" "$SHARE/big.bin" || return 1
	smb "get big.bin $WORK/big.back" || return 1
	cmp "$big" "$WORK/big.back" || return 1
	rm -f "$big" "$WORK/big.back" "$SHARE/big.bin"
}

odd_names()
{
	local name
	rm -rf "${SHARE:?}"/*
	echo content >"$WORK/odd"
	for name in "two words" "ünï" "日本語" "UPPER" ".hidden" "100%" "$(printf 'n%.0s' $(seq 200))"; do
		CLIENT_TIMEOUT=20 smb "put $WORK/odd \"$name\"" || return 1
		cmp "$WORK/odd" "$SHARE/$name" || return 1
	done
	smb "get upper $WORK/odd.back" && cmp "$WORK/odd" "$WORK/odd.back"
}

file_times()
{
	rm -rf "${SHARE:?}"/*
	touch -d '2001-02-03 04:05:06 UTC' "$WORK/old"
	smb "put $WORK/old old; utimes old -1 -1 2001:02:03-04:05:06 -1" || return 1
	smb "allinfo old" | grep -E 'write_time: +Sat Feb +3 .*2001' || return 1
	[ "$(date -u -r "$SHARE/old" +%Y)" = 2001 ]
}

server_up "" "[readonly]
	path = $SHARE
	read only = yes
[private]
	path = $SHARE
	read only = no
	valid users = tester2"
for dialect in $DIALECTS; do
	t "$dialect: put, ls, mkdir, rename, get, del, rmdir" file_life -m "$dialect"
	t "$dialect: spoken, not only asked for" says_dialect "$dialect"
	t "$dialect: the same, signed" file_life -m "$dialect" --client-protection=sign
done
make_tree "$FILES" "$WORK/tree"
t "mput and mget of $FILES files" recurse
t "tar out of $FILES files" tar_out
t "deltree of $FILES files" delete_tree
t "tar in of $FILES files" tar_in
t "a file of $BIG_MIB MiB, byte for byte" big_file
t "names in other alphabets and cases" odd_names
t "times that are set are kept" file_times
CREDS=tester%wrong t "a wrong password is refused" refused LOGON_FAILURE smb ls
CREDS=nobody%secret t "an unknown user is refused" refused LOGON_FAILURE smb ls
SHARE_NAME=none t "an unknown share is refused" refused BAD_NETWORK_NAME smb ls
SHARE_NAME="readonly" t "a read-only share gives" smb "ls"
SHARE_NAME="readonly" t "a read-only share takes nothing" refused 'ACCESS_DENIED|MEDIA_WRITE_PROTECTED' smb "put $0 new"
SHARE_NAME="readonly" t "a read-only share loses nothing" says 'ACCESS_DENIED|MEDIA_WRITE_PROTECTED' smb "del old"
SHARE_NAME=private t "valid users keeps others out" refused ACCESS_DENIED smb ls
SHARE_NAME=private CREDS=tester2%secret2 t "valid users lets its own in" smb ls
t "a missing file is not found" refused OBJECT_NAME_NOT_FOUND smb "get none $WORK/none"
t "a folder that is not empty stays" says DIRECTORY_NOT_EMPTY smb "mkdir full; put $0 full/x; rmdir full"
t "a name that exists is not made twice" says COLLISION smb "mkdir twice; mkdir twice"
finish
