# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the end-to-end scripts share: a private server in a directory of its own on a free port, and TAP.
# Source it, call t/skip/relay for each case, end with `finish`.
#
#   SMB3D_BIN   folder of smb3d and smb3ctl              [build/release/bin]
#   PEER=samba  the same cases against Debian's smbd, to know that a case is right
#   SIZE=small  fewer and smaller files: for the sanitizer builds
#   TEST_LOGS   where the servers' logs are kept         [build/test-logs/e2e]
set -u
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
SMB3D_BIN=${SMB3D_BIN:-$TOP/build/release/bin}
PEER=${PEER:-smb3d}
SIZE=${SIZE:-full}
SCRIPT=$(basename "$0")
LOGS=${TEST_LOGS:-$TOP/build/test-logs/e2e}/${SCRIPT%.*}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/smb3d-e2e.XXXXXX")
CONF=$WORK/smb.conf
SHARE=$WORK/share
SERVER_PID=
SERVERS=0
SERVER_ENTER=() # what the server is started through
HOST=127.0.0.1
PATH=$PATH:/usr/sbin:/sbin
chmod 755 "$WORK"
rm -rf "$LOGS"
mkdir -p "$LOGS"
export LC_ALL=C.UTF-8

# ---- TAP

TESTS=0
FAILED=0

result() # ok|"not ok" TITLE
{
	TESTS=$((TESTS + 1))
	[ "$1" = ok ] || FAILED=$((FAILED + 1))
	printf '%s %d - %s\n' "$1" "$TESTS" "$2"
}

# t TITLE COMMAND...: the case passes when the command does; its output is shown when it does not.
t()
{
	local title=$1 out=$LOGS/case-$((TESTS + 1)).log
	shift
	if "$@" >"$out" 2>&1; then
		result ok "$title"
	else
		result "not ok" "$title"
		tail -n 15 "$out" | sed 's/^/# /'
		server_alive || echo "# the server is not running"
	fi
}

# says TEXT COMMAND...: for clients whose exit status says little.
says()
{
	local text=$1 said
	shift
	said=$("$@" 2>&1)
	printf '%s\n' "$said"
	grep -qE -- "$text" <<<"$said"
}

# refused TEXT COMMAND...: the command must fail, and say TEXT.
refused()
{
	local text=$1 said status=0
	shift
	said=$("$@" 2>&1) || status=$?
	printf '%s\n' "$said"
	[ "$status" -ne 0 ] && grep -qE -- "$text" <<<"$said"
}

skip() # TITLE REASON
{
	TESTS=$((TESTS + 1))
	printf 'ok %d - %s # SKIP %s\n' "$TESTS" "$1" "$2"
}

# relay COMMAND...: its TAP lines become ours; a bad exit or no line at all is one more failure.
relay()
{
	local line status told=$TESTS bad=$FAILED
	local fifo=$WORK/relay
	rm -f "$fifo"
	mkfifo "$fifo"
	"$@" >"$fifo" 2>"$LOGS/$(basename "$1").stderr" &
	local child=$!
	while IFS= read -r line; do
		case $line in
		"ok "*" # SKIP "*)
			skip "$(sed 's/^ok - //; s/ # SKIP .*//' <<<"$line")" "${line#* # SKIP }"
			;;
		"ok "*) result ok "${line#ok - }" ;;
		"not ok "*) result "not ok" "${line#not ok - }" ;;
		*) printf '# %s\n' "${line#\# }" ;;
		esac
	done <"$fifo"
	status=0
	wait "$child" || status=$?
	if [ "$told" -eq "$TESTS" ] || { [ "$status" -ne 0 ] && [ "$bad" -eq "$FAILED" ]; }; then
		result "not ok" "$(basename "$1") ended with status $status"
		tail -n 10 "$LOGS/$(basename "$1").stderr" | sed 's/^/# /'
	fi
}

skip_all() # REASON
{
	printf '1..0 # SKIP %s\n' "$1"
	rm -rf "$WORK"
	trap - EXIT
	exit 0
}

finish()
{
	[ -z "$SERVER_PID" ] || t "the server ends cleanly" server_stop
	printf '1..%d\n' "$TESTS"
	exit $((FAILED > 0))
}

cleanup()
{
	local status=$?
	server_kill
	[ ! -d "$WORK/mnt" ] || umount "$WORK/mnt" 2>/dev/null || true
	rm -rf "$WORK"
	exit "$status"
}
trap cleanup EXIT
trap 'exit 143' TERM INT

# ---- the server

is_root() { [ "$(id -u)" -eq 0 ]; }

# The accounts tester and tester2 need unix users of their own only where the server can become them.
unix_users()
{
	local name
	is_root || return 0
	for name in tester tester2; do
		id "$name" >/dev/null 2>&1 ||
			useradd --no-create-home --user-group --shell /usr/sbin/nologin "$name"
	done
}

free_port()
{
	/usr/bin/python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# server_conf [GLOBAL-LINES [SHARE-SECTIONS]]: writes $CONF for a server that lives in $WORK alone.
server_conf()
{
	PORT=${PORT:-$(free_port)}
	mkdir -p "$WORK"/{state,pid,private,lock,cache,ncalrpc} "$SHARE"
	chmod 755 "$WORK/ncalrpc"
	chmod 777 "$SHARE"
	cat >"$CONF" <<-EOF
	[global]
		smb ports = $PORT
		interfaces = 127.0.0.1
		bind interfaces only = yes
		smb passwd file = $WORK/private/smbpasswd
		state directory = $WORK/state
		pid directory = $WORK/pid
		log level = ${LOG_LEVEL:-1}
		server min protocol = SMB2_02
		server multi channel support = yes
		$([ "$PEER" = samba ] && samba_global)
		${1:-}
	[share]
		path = $SHARE
		read only = no
		$([ "$PEER" = samba ] && samba_share)
	${2:-}
	EOF
}

samba_global()
{
	cat <<-EOF
	server role = standalone server
	disable netbios = yes
	netbios name = PEER
	passdb backend = smbpasswd:$WORK/private/smbpasswd
	private dir = $WORK/private
	lock directory = $WORK/lock
	cache directory = $WORK/cache
	ncalrpc dir = $WORK/ncalrpc
	log file = $WORK/lock/log
	load printers = no
	printing = bsd
	printcap name = /dev/null
	usershare path =
	smbd:FSCTL_SMBTORTURE = yes
	EOF
}

samba_share()
{
	cat <<-EOF
	kernel oplocks = no
	kernel share modes = no
	posix locking = no
	strict rename = yes
	map archive = no
	store dos attributes = yes
	ea support = yes
	create mask = 0777
	directory mask = 0777
	dos filemode = yes
	inherit acls = yes
	vfs objects = acl_xattr streams_xattr
	EOF
}

# smbd leaves the RPC servers that it started behind; ours are those with our configuration.
samba_helpers_end()
{
	local pid
	for pid in $(grep -ls -- "--configfile=$CONF" /proc/[0-9]*/cmdline | cut -d/ -f3); do
		[ "$pid" = "$$" ] || kill "$pid" 2>/dev/null
	done
}

user_add() # NAME PASSWORD
{
	if [ "$PEER" = samba ]; then
		printf '%s\n%s\n' "$2" "$2" | smbpasswd -c "$CONF" -L -s -a "$1"
	else
		printf '%s\n' "$2" | "$SMB3D_BIN/smb3ctl" --config "$CONF" user add "$1"
	fi
}

server_users()
{
	unix_users
	user_add tester secret && user_add tester2 secret2
}

server_run() # the server in the foreground, its log in $1
{
	if [ "$PEER" = samba ]; then
		# it signals its whole process group when it ends
		exec "${SERVER_ENTER[@]}" setsid smbd --foreground --no-process-group --debug-stdout --configfile="$CONF" >>"$1" 2>&1
	fi
	export ASAN_OPTIONS="log_path=$LOGS/sanitizer:detect_leaks=1:abort_on_error=0:exitcode=86"
	export UBSAN_OPTIONS="log_path=$LOGS/sanitizer:print_stacktrace=1"
	export TSAN_OPTIONS="log_path=$LOGS/sanitizer:exitcode=86:second_deadlock_stack=1"
	exec "${SERVER_ENTER[@]}" "$SMB3D_BIN/smb3d" --config "$CONF" --foreground >>"$1" 2>&1
}

accepts() { (exec 3<>"/dev/tcp/$HOST/$PORT") 2>/dev/null; }

server_alive() { [ -n "$SERVER_PID" ] && kill -0 "$SERVER_PID" 2>/dev/null; }

# Starts the server of $CONF and waits until it takes connections.
server_start()
{
	local tries
	SERVERS=$((SERVERS + 1))
	SERVER_LOG=$LOGS/server-$SERVERS.log
	server_run "$SERVER_LOG" &
	SERVER_PID=$!
	for tries in $(seq 300); do
		accepts && return 0
		server_alive || break
		sleep 0.1
	done
	echo "no server on port $PORT after $tries tries:"
	tail -n 20 "$SERVER_LOG"
	return 1
}

# server_wait SECONDS: how the server ended; 124 where it does not.
server_wait()
{
	local left=$(($1 * 10))
	while [ $((left--)) -gt 0 ] && kill -0 "$SERVER_PID" 2>/dev/null; do
		sleep 0.1
	done
	kill -0 "$SERVER_PID" 2>/dev/null && return 124
	wait "$SERVER_PID"
}

server_stop()
{
	local status=0 pid=$SERVER_PID
	kill -TERM "$pid" || { echo "the server had ended before"; tail -n 20 "$SERVER_LOG"; SERVER_PID=; return 1; }
	server_wait "${1:-30}" || status=$?
	[ "$status" -eq 124 ] && { echo "no end after SIGTERM"; server_kill; return 1; }
	SERVER_PID=
	[ "$PEER" != samba ] || { samba_helpers_end; return 0; }
	cat "$LOGS"/sanitizer.* 2>/dev/null && return 1
	grep -nE 'Sanitizer|runtime error|assert' "$SERVER_LOG" && return 1
	[ "$status" -eq 0 ] || { echo "exit status $status"; tail -n 20 "$SERVER_LOG"; return 1; }
}

server_kill()
{
	[ -n "$SERVER_PID" ] || return 0
	if [ "$PEER" = samba ]; then
		kill -TERM "$SERVER_PID" 2>/dev/null && server_wait 10
		samba_helpers_end
	fi
	kill -KILL "$SERVER_PID" 2>/dev/null
	wait "$SERVER_PID" 2>/dev/null
	SERVER_PID=
}

# The usual beginning: users, a server; nothing else makes sense without them.
server_up() # [GLOBAL-LINES [SHARE-SECTIONS]]
{
	[ "$PEER" != samba ] || is_root || skip_all "Samba as the peer needs root"
	server_conf "$@"
	t "a server starts" eval 'server_users && server_start'
	server_alive || finish
}

# ---- clients

client_conf()
{
	mkdir -p "$WORK/client"
	cat >"$WORK/client/smb.conf" <<-EOF
	[global]
		workgroup = WORKGROUP
		private dir = $WORK/client
		lock directory = $WORK/client
		state directory = $WORK/client
		cache directory = $WORK/client
		pid directory = $WORK/client
		client min protocol = SMB2_02
		client max protocol = SMB3_11
	EOF
}

# smb [OPTION...] COMMANDS: smbclient on the share, as tester.
smb()
{
	[ -f "$WORK/client/smb.conf" ] || client_conf
	timeout --foreground "${CLIENT_TIMEOUT:-600}" smbclient "//$HOST/${SHARE_NAME:-share}" -s "$WORK/client/smb.conf" \
		-p "$PORT" -U "${CREDS:-tester%secret}" "${@:1:$#-1}" -c "${*: -1}"
}

# as_files DIR: a line for each file beneath DIR, to compare trees by.
as_files() { (cd "$1" && find . -type f -print0 | sort -z | xargs -0 -r sha256sum && find . -type d | sort); }

same_tree() { diff <(as_files "$1") <(as_files "$2"); }

# make_tree FILES DIR: a tree of small files whose contents are all different.
make_tree() { /usr/bin/python3 "$TOP/tests/e2e/make_tree.py" "$1" "$2"; }
