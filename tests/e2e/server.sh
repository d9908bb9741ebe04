#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The server as its administrator meets it: errors that name a way out, reload, drain, restart.
. "$(dirname "$0")/lib.sh"
[ "$PEER" = smb3d ] || skip_all "about smb3d itself"

# dies SECONDS TEXT: a server of $CONF ends by itself, not by a signal, and its complaint matches TEXT.
dies()
{
	local status=0 log=$LOGS/dies-$TESTS.log
	(exec timeout --foreground "$1" "$SMB3D_BIN/smb3d" --config "$CONF" --foreground) >"$log" 2>&1 || status=$?
	cat "$log"
	echo "exit status $status"
	[ "$status" -gt 0 ] && [ "$status" -lt 86 ] && grep -qiE -- "$2" "$log"
}

port_in_use()
{
	local other
	/usr/bin/python3 -c 'import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", int(sys.argv[1]))); s.listen(); time.sleep(30)' "$PORT" &
	other=$!
	sleep 0.5
	dies 20 "port.*$PORT|$PORT.*(in use|port)"
	local status=$?
	kill "$other"
	wait "$other" 2>/dev/null
	return "$status"
}

bad_line() # TEXT GLOBAL-LINE: the complaint has the file, the line's number and TEXT
{
	server_conf "$2"
	local line
	line=$(grep -nF "$2" "$CONF" | cut -d: -f1)
	dies 20 "smb.conf:$line: .*$1" && testparm_refuses
}

testparm_refuses() { ! "$SMB3D_BIN/smb3d" --config "$CONF" --testparm; }

testparm_shows()
{
	"$SMB3D_BIN/smb3d" --config "$CONF" --testparm >"$WORK/testparm" || return 1
	cat "$WORK/testparm"
	grep -q '^\[share\]' "$WORK/testparm" && grep -qE "path = $SHARE" "$WORK/testparm" &&
		grep -qE "smb ports = $PORT" "$WORK/testparm"
}

broken_accounts()
{
	cp "$WORK/private/smbpasswd" "$WORK/smbpasswd.good"
	echo 'this is not an account' >>"$WORK/private/smbpasswd"
	dies 20 "smbpasswd"
	local status=$?
	cp "$WORK/smbpasswd.good" "$WORK/private/smbpasswd"
	return "$status"
}

accounts_command()
{
	local ctl="$SMB3D_BIN/smb3ctl --config $CONF"
	echo first | $ctl user add third || return 1
	$ctl user list | grep -q '^third' || return 1
	[ "$(stat -c %a "$WORK/private/smbpasswd")" = 600 ] || return 1
	refused . $ctl user add third </dev/null || return 1
	CREDS=third%first smb ls >/dev/null || is_root || return 1
	echo second | $ctl user passwd third || return 1
	$ctl user del third || return 1
	! $ctl user list | grep -q '^third'
}

reload_adds_a_share()
{
	mkdir -p "$WORK/late"
	SHARE_NAME=late refused BAD_NETWORK_NAME smb ls || return 1
	printf '[late]\n\tpath = %s\n\tread only = no\n' "$WORK/late" >>"$CONF"
	kill -HUP "$SERVER_PID"
	local i
	for i in $(seq 50); do
		SHARE_NAME=late smb ls && return 0
		sleep 0.1
	done
	echo "no share after $i tries"
	return 1
}

reload_keeps_clients() # a transfer goes on while the configuration is read anew
{
	head -c 50000000 /dev/urandom >"$WORK/big"
	smb "put $WORK/big big; get big $WORK/back; get big $WORK/back" &
	local client=$! i
	for i in 1 2 3 4 5; do
		kill -HUP "$SERVER_PID"
		sleep 0.1
	done
	wait "$client" && cmp "$WORK/big" "$WORK/back"
}

reload_of_a_bad_file() # is refused, and what was in force stays
{
	cp "$CONF" "$WORK/good.conf"
	echo "	no such parameter = 1" >>"$CONF"
	kill -HUP "$SERVER_PID"
	sleep 1
	smb ls
	local status=$?
	cp "$WORK/good.conf" "$CONF"
	kill -HUP "$SERVER_PID"
	[ "$status" -eq 0 ] && grep -qE 'smb.conf:[0-9]+: ' "$SERVER_LOG"
}

sigterm_drains() # under load it ends by itself, in time, and cleanly
{
	smb "put $WORK/big a; put $WORK/big b; put $WORK/big c; put $WORK/big d; put $WORK/big e" &
	local client=$!
	sleep 0.5
	server_stop 20
	local status=$?
	wait "$client"
	return "$status"
}

restarts()
{
	local guid
	guid=$(find "$WORK/state" -type f | sort | xargs -r sha256sum)
	server_start || return 1
	smb "get big $WORK/back2" && cmp "$WORK/big" "$WORK/back2" || return 1
	[ -n "$guid" ] && [ "$guid" = "$(find "$WORK/state" -type f | sort | xargs -r sha256sum)" ] ||
		echo "state changed over a restart"
}

second_server() { dies 20 "running|in use|pid"; }

# A peer that connects and says nothing, or half a message, holds nothing but its own connection.
silent_peers()
{
	/usr/bin/python3 - "$PORT" <<-'EOF' &
	import socket, sys, time
	idle = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(50)]
	for n, s in enumerate(idle):
	    s.sendall(b"\0\0\x10\0\xfeSMB"[:n % 9])
	time.sleep(20)
	EOF
	local idle=$!
	sleep 0.5
	smb "ls; get big $WORK/back3" && cmp "$WORK/big" "$WORK/back3"
	local status=$?
	kill "$idle"
	wait "$idle" 2>/dev/null
	return "$status"
}

garbage()
{
	/usr/bin/python3 - "$PORT" <<-'EOF' || return 1
	import os, random, socket, sys
	rng = random.Random(7)
	for n in range(300):
	    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10) as s:
	        body = rng.randbytes(rng.randrange(1, 300))
	        if n % 3:
	            body = b"\xfeSMB\x40\0" + body
	        size = len(body) if n % 2 else rng.randrange(0, 1 << 24)
	        try:
	            s.sendall(size.to_bytes(4, "big") + body)
	            s.shutdown(socket.SHUT_WR)
	            while s.recv(65536):
	                pass
	        except OSError:
	            pass
	EOF
	server_alive && smb ls
}

server_conf
t "accounts are added before the first start" server_users
t "--testparm prints what is in force" testparm_shows
t "a port in use is named" port_in_use
t "an unknown parameter is named with file and line" bad_line 'no such thing' "no such thing = yes"
t "a bad value is named with file and line" bad_line 'server signing' "server signing = perhaps"
server_conf "" "[gone]
	path = $WORK/not/there"
t "a share's path that does not exist is named" dies 20 "$WORK/not/there"
server_conf
t "a broken accounts file is named" broken_accounts
rm -f "$WORK/no.conf"
CONF=$WORK/no.conf t "a missing configuration is named" dies 20 "no.conf"
server_conf
t "a server starts" server_start
server_alive || finish
t "smb3ctl user add, list, passwd, del" accounts_command
t "a second server in the same directories is refused" second_server
t "SIGHUP brings a new share" reload_adds_a_share
t "SIGHUP disturbs no transfer" reload_keeps_clients
t "SIGHUP with a bad file changes nothing and says why" reload_of_a_bad_file
t "fifty silent peers do not hold anything up" silent_peers
t "three hundred connections of garbage" garbage
t "SIGTERM under load ends it cleanly" sigterm_drains
t "it starts again, with the state it had" restarts
finish
