#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# impacket, a client that shares no code with Samba, at every dialect.
. "$(dirname "$0")/lib.sh"
/usr/bin/python3 -c 'import impacket' 2>/dev/null || skip_all "no impacket (python3-impacket)"
server_up
relay /usr/bin/python3 "$TOP/tests/e2e/impacket_cases.py" "$HOST" "$PORT"
finish
