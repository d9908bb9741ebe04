#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""NTLM and SPNEGO against other people's implementations, token by token and without a server: Samba's
gensec (python3-samba), Samba's ntlm_auth helper, impacket. Speaks TAP.

Each login is checked on both sides: who it is, and that both have the same session key.
"""
import base64
import os
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PEER = os.path.join(os.environ.get("SMB3D_BIN", os.path.join(TOP, "build/release/bin")), "auth_peer")
NOBODY = 65534      # who is not root needs no users of the system: everybody is the server's own
ACCOUNTS = """# made by auth_interop.py
tester:0:XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:878D8014606CDA29677A44EFA1353FC7:[U          ]:LCT-00000001:
bürger:0:XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:878D8014606CDA29677A44EFA1353FC7:[U          ]:LCT-00000001:
"""     # the password is "secret"
DOMAIN, PASSWORD = "WG", "secret"

try:
    from samba import credentials, gensec, param
except ImportError:
    gensec = None
try:
    from impacket import ntlm, spnego
except ImportError:
    ntlm = None
NTLM_AUTH = shutil.which("ntlm_auth")

cases, failed = 0, 0


def case(title, run, *args, needs=True, **kwargs):
    global cases, failed
    cases += 1
    if not needs:
        print(f"ok {cases} - {title} # skip not installed")
        return
    try:
        run(*args, **kwargs)
        print(f"ok {cases} - {title}")
    except Exception as e:      # whatever went wrong is this case's failure
        failed += 1
        print(f"not ok {cases} - {title}\n# {type(e).__name__}: {e}")
    sys.stdout.flush()


class Ours:
    """auth_peer: tokens in, (word, token, rest) out."""

    def __init__(self, *args):
        self.process = subprocess.Popen([PEER, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, **AS_NOBODY)
        self.key = self.kind = self.user = self.status = None

    def step(self, token):
        """The answering token; None when it refused. self.kind is set when it is done."""
        self.process.stdin.write((bytes(token).hex() or "-") + "\n")
        self.process.stdin.flush()
        words = self.process.stdout.readline().split()
        if not words:
            raise RuntimeError("auth_peer died: " + self.process.communicate()[1][-500:])
        if words[0] == "FAIL":
            self.status = words[1]
            return None
        if words[0] == "OK":
            self.key, self.kind, self.user = words[2], words[3], words[4]
        return b"" if words[1] == "-" else bytes.fromhex(words[1])

    def close(self):
        _, errors = self.process.communicate()
        assert self.process.returncode == 0, f"auth_peer: {self.process.returncode} {errors[-800:]}"


def server(*options):
    return Ours("server", ACCOUNTS_FILE, *options)


def equal(what, got, want):
    assert got == want, f"{what}: {got}, expected {want}"


# ---- Samba's gensec as the client

def samba(title, run, *args, **kwargs):
    case("gensec " + title, run, *args, needs=gensec, **kwargs)


def gensec_client(mech, user, password, sign=True):
    lp = param.LoadParm()
    lp.load_default()
    lp.set("netbios name", "PEER")
    lp.set("workgroup", DOMAIN)
    creds = credentials.Credentials()
    creds.guess(lp)
    creds.set_kerberos_state(credentials.DONT_USE_KERBEROS)
    if user:
        creds.set_username(user)
        creds.set_password(password)
        creds.set_domain(DOMAIN)
    else:
        creds.set_anonymous()
    g = gensec.Security.start_client({"lp_ctx": lp, "target_hostname": "smb3d"})
    g.set_credentials(creds)
    g.want_feature(gensec.FEATURE_SESSION_KEY | (gensec.FEATURE_SIGN if sign else 0))
    g.start_mech_by_name(mech)
    return g


def run_gensec(client, ours, first=b""):
    """True: both are done. False: ours refused."""
    token = first
    for _ in range(6):
        done, out = client.update(token)
        if done and ours.kind:
            return True
        token = ours.step(out)
        if token is None:
            ours.close()
            return False
        if ours.kind and not token:
            return True
        if done:
            return bool(ours.kind)
    raise RuntimeError("no end")


def samba_login(mech, user, kind, *options, password=PASSWORD, hint=False, sign=True):
    first = our_hint() if hint else b""
    client, ours = gensec_client(mech, user, password, sign), server(*options)
    assert run_gensec(client, ours, first), ours.status
    ours.close()
    equal("kind", ours.kind, kind)
    if kind == "user":
        equal("user", ours.user, user.lower())
        equal("session key", ours.key, client.session_key().hex())
    if kind == "guest":
        equal("session key", ours.key, "-")


def samba_refused(mech, user, password, status, *options):
    client, ours = gensec_client(mech, user, password), server(*options)
    assert not run_gensec(client, ours), "it was let in"
    equal("status", ours.status, status)


def our_hint():
    ours = subprocess.run([PEER, "hint"], capture_output=True, text=True, check=True)
    return bytes.fromhex(ours.stdout.split()[1])


# ---- impacket as the client

def impacket_login(bare, user, password, *options):
    ours = server(*options)
    negotiate = ntlm.getNTLMSSPType1("PEER", DOMAIN, True)
    first = negotiate.getData()
    if not bare:
        init = spnego.SPNEGO_NegTokenInit()
        init["MechTypes"] = [spnego.TypesMech["NTLMSSP - Microsoft NTLM Security Support Provider"]]
        init["MechToken"] = first
        first = init.getData()
    challenge = ours.step(first)
    if not bare:
        challenge = spnego.SPNEGO_NegTokenResp(challenge)["ResponseToken"]
    authenticate, key = ntlm.getNTLMSSPType3(negotiate, challenge, user, password, DOMAIN)
    last = authenticate.getData()
    if not bare:
        response = spnego.SPNEGO_NegTokenResp()
        response["ResponseToken"] = last
        last = response.getData()
    ours.step(last)
    ours.close()
    return ours, key


def impacket_user(bare):
    ours, key = impacket_login(bare, "Tester", PASSWORD)
    equal("user", ours.user, "tester")
    equal("session key", ours.key, key.hex())


def impacket_refused(bare):
    ours, _ = impacket_login(bare, "tester", "wrong")
    equal("status", ours.status, "STATUS_LOGON_FAILURE")


def impacket_v1():
    """What a client sends that was told to use NTLMv1."""
    ntlm.USE_NTLMv2 = False
    try:
        negotiate = ntlm.getNTLMSSPType1("PEER", DOMAIN, True, use_ntlmv2=False)
        ours = server()
        challenge = ours.step(negotiate.getData())
        authenticate, _ = ntlm.getNTLMSSPType3(negotiate, challenge, "tester", PASSWORD, DOMAIN,
                                               use_ntlmv2=False)
        assert ours.step(authenticate.getData()) is None, "NTLMv1 was let in"
        equal("status", ours.status, "STATUS_LOGON_FAILURE")
        ours.close()
    finally:
        ntlm.USE_NTLMv2 = True


# ---- Samba's ntlm_auth, on either side

class Helper:
    """ntlm_auth's line protocol: a command and a token in base64."""

    def __init__(self, protocol, *options):
        self.process = subprocess.Popen([NTLM_AUTH, f"--helper-protocol={protocol}", *options],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)

    def say(self, word, token=None):
        line = word if token is None else word + " " + base64.b64encode(token).decode()
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        words = self.process.stdout.readline().split()
        return words[0], words[1:]

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)


def ntlm_auth_client(user, password, kind_or_status):
    helper = Helper("ntlmssp-client-1", f"--username={user}", f"--domain={DOMAIN}",
                    f"--password={password}")
    ours = server()
    word, args = helper.say("YR")
    equal("word", word, "YR")
    challenge = ours.step(base64.b64decode(args[0]))
    word, args = helper.say("TT", challenge)
    assert word in ("KK", "AF"), word
    ours.step(base64.b64decode(args[0]))
    ours.close()
    helper.close()
    equal("outcome", ours.kind or ours.status, kind_or_status)


def ntlm_auth_server(password, good):
    """Our client, checked by Samba. It asks for the account's password only."""
    helper = Helper("squid-2.5-ntlmssp", "--username=tester", f"--domain={DOMAIN}",
                    f"--password={PASSWORD}")
    ours = Ours("client", "tester", DOMAIN, password, "bare")
    word, args = helper.say("YR", ours.step(b""))
    equal("word", word, "TT")
    word, args = helper.say("KK", ours.step(base64.b64decode(args[0])))
    equal("word", word, "AF" if good else "NA")
    ours.close()
    helper.close()


# ---- ours against ours, through the same pipe

def both_ours(bare):
    client = Ours("client", "tester", DOMAIN, PASSWORD, *(["bare"] if bare else []))
    ours = server()
    token = b""
    while not (ours.kind and client.kind):
        token = client.step(token)
        assert token is not None, client.status
        if ours.kind:
            break
        token = ours.step(token)
        assert token is not None, ours.status
    equal("session key", ours.key, client.key)
    client.close()
    ours.close()


def main():
    print("TAP version 13")
    for mech in "spnego", "ntlmssp":
        samba(f"{mech}: user", samba_login, mech, "tester", "user")
        samba(f"{mech}: user, without a wish to sign", samba_login, mech, "tester", "user", sign=False)
        samba(f"{mech}: user in capitals", samba_login, mech, "TESTER", "user")
        samba(f"{mech}: user beyond ASCII, in capitals", samba_login, mech, "BÜRGER", "user")
        samba(f"{mech}: wrong password", samba_refused, mech, "tester", "Secret", "STATUS_LOGON_FAILURE")
        samba(f"{mech}: unknown user", samba_refused, mech, "nobody-here", PASSWORD,
              "STATUS_LOGON_FAILURE")
        samba(f"{mech}: anonymous is refused", samba_refused, mech, None, None, "STATUS_ACCESS_DENIED")
        samba(f"{mech}: anonymous", samba_login, mech, None, "anonymous", "anonymous")
        # a client that must sign refuses to be a guest: there is no key
        samba(f"{mech}: unknown user becomes guest", samba_login, mech, "nobody-here", "guest", "guest",
              sign=False)
        samba(f"{mech}: wrong password stays out", samba_refused, mech, "tester", "x",
              "STATUS_LOGON_FAILURE", "guest")
        samba(f"{mech}: wrong password becomes guest", samba_login, mech, "tester", "guest",
              "bad-password", password="x", sign=False)
    samba("spnego: begins with our hint", samba_login, "spnego", "tester", "user", hint=True)
    for bare in False, True:
        how = "bare" if bare else "spnego"
        case(f"impacket {how}: user", impacket_user, bare, needs=ntlm)
        case(f"impacket {how}: wrong password", impacket_refused, bare, needs=ntlm)
    case("impacket: NTLMv1 is refused", impacket_v1, needs=ntlm)
    case("ntlm_auth client: user", ntlm_auth_client, "tester", PASSWORD, "user", needs=NTLM_AUTH)
    case("ntlm_auth client: non-ASCII user in the other case", ntlm_auth_client, "BÜRGER", PASSWORD,
         "user", needs=NTLM_AUTH)
    case("ntlm_auth client: wrong password", ntlm_auth_client, "tester", "x", "STATUS_LOGON_FAILURE",
         needs=NTLM_AUTH)
    case("ntlm_auth server: our client", ntlm_auth_server, PASSWORD, True, needs=NTLM_AUTH)
    case("ntlm_auth server: our client, wrong password", ntlm_auth_server, "x", False, needs=NTLM_AUTH)
    case("our client, our server, spnego", both_ours, False)
    case("our client, our server, bare", both_ours, True)
    print(f"1..{cases}")
    return 1 if failed else 0


AS_NOBODY = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
with tempfile.TemporaryDirectory(prefix="smb3d-auth-") as work:
    os.chmod(work, 0o755)
    ACCOUNTS_FILE = os.path.join(work, "smbpasswd")
    with open(ACCOUNTS_FILE, "w", encoding="utf-8") as f:
        f.write(ACCOUNTS)
    os.chmod(ACCOUNTS_FILE, 0o600)
    if AS_NOBODY:
        os.chown(ACCOUNTS_FILE, NOBODY, NOBODY)
        PEER = shutil.copy(PEER, work)      # the build may be where only root can read
    os.environ["LC_ALL"] = "C.UTF-8"
    status = main()
sys.exit(status)
