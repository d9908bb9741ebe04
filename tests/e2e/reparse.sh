#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Symbolic links of clients: smbclient makes and reads them, and is told of them by whoever meets one.
. "$(dirname "$0")/lib.sh"
[ "$PEER" = smb3d ] || skip_all "Samba 4.17 has no reparse points"
command -v getfattr >/dev/null || skip_all "no getfattr"

hex() { getfattr -e hex --only-values -n user.SmbReparse "$SHARE/$1" | od -An -v -tx1 | tr -d ' \n'; }

# Tag, length, the two names' places and lengths, relative, and twice "folder/file" as the client sent it.
stored_as_samba_does()
{
	local name
	name=$(printf %s folder/file | iconv -t UTF-16LE | od -An -v -tx1 | tr -d ' \n')
	hex link
	[[ $(hex link) == 0c0000a0????0000*01000000*$name* ]] && [ "$(stat -c %F "$SHARE/link")" = "regular empty file" ]
}

lists() # LETTERS NAME
{
	local said
	said=$(smb ls)
	printf '%s\n' "$said"
	grep -qE "^ +$2 +$1 +0 " <<<"$said"
}

gone() { smb "del $1" && [ ! -e "$SHARE/$1" ]; }

# A link of the client's that says where the share is not leads nowhere on this machine.
leads_nowhere()
{
	smb "symlink ../../../../../../../../../etc out" || return 1
	says 'NT_STATUS_STOPPED_ON_SYMLINK' smb "get out\\passwd $WORK/got" && [ ! -e "$WORK/got" ]
}

server_up
mkdir "$SHARE/folder"
echo target >"$SHARE/folder/file"
mkfifo "$SHARE/fifo"
chmod -R a+rwX "$SHARE"
! is_root || chown -R tester "$SHARE/folder" "$SHARE/fifo"
t "a link is made" smb "symlink folder/file link"
t "it is kept as Samba keeps it" stored_as_samba_does
t "it is listed as one" lists "Ar" link
t "it says where it leads" says 'symlink: subst=\[folder/file\], print=\[folder/file\], flags=1' smb "allinfo link"
t "who opens it is told" says NT_STATUS_STOPPED_ON_SYMLINK smb "get link $WORK/got"
t "who goes through it is told" says NT_STATUS_STOPPED_ON_SYMLINK smb "get link\\further $WORK/got"
t "one to elsewhere" leads_nowhere
t "it is renamed, and deleted" eval 'smb "rename link other" && gone other'
t "what it led to stays" test -s "$SHARE/folder/file"
t "a FIFO is listed as a special file" lists "r" fifo
t "and deleted" gone fifo
finish
