#!/usr/bin/env bash
# Runs a command under what deploy/platewatch.service does not allow, without systemd: read-only system, own /tmp and
# /dev, no capabilities, no new privileges, no memory that is both written and executed, and only the unit's system
# calls. Lists what the command was refused where the kernel's log can be read.
#
#   scripts/sandbox.sh STORE COMMAND...      STORE: the one folder that may be written
#
# Needs bubblewrap, python3-seccomp and systemd-analyze (Debian: bubblewrap, python3-seccomp, systemd).
set -euo pipefail
case "${1:-}" in
    ""|-h|--help) sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//'; exit 0 ;;
esac
store=$(realpath "$1"); shift
unit=$(dirname "$(realpath "$0")")/../deploy/platewatch.service
filter=$(mktemp); trap 'rm -f "$filter"' EXIT
/usr/bin/python3 - "$unit" "$filter" <<'PYTHON'
import re, subprocess, sys
import seccomp

def calls(group):
    found = set()
    text = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True).stdout
    for line in text.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            found |= calls(word)
        elif word and not word.startswith("#"):
            found.add(word)
    return found

unit = open(sys.argv[1]).read()
allowed = set()
for line in re.findall(r"^SystemCallFilter=(.*)$", unit, re.M):
    groups = line.lstrip("~").split()
    for group in groups:
        allowed = allowed - calls(group) if line.startswith("~") else allowed | calls(group)
assert len(allowed) > 200, "the unit has no SystemCallFilter"
assert "MemoryDenyWriteExecute=yes" in unit and "RestrictNamespaces=yes" in unit
EPERM = 1
rules = seccomp.SyscallFilter(seccomp.ERRNO(EPERM))
MASKED = seccomp.MASKED_EQ
for name in sorted(allowed):
    try:
        number = seccomp.resolve_syscall(seccomp.Arch(), name)
    except Exception:
        continue
    if number < 0:
        continue
    # As systemd: memory is not made executable that is, or was, writable (PROT_EXEC 4, PROT_WRITE 2, SHM_EXEC 0100000).
    if name == "mmap":
        rules.add_rule(seccomp.ALLOW, name, seccomp.Arg(2, MASKED, 4, 0))
        rules.add_rule(seccomp.ALLOW, name, seccomp.Arg(2, MASKED, 6, 4))
    elif name in ("mprotect", "pkey_mprotect"):
        rules.add_rule(seccomp.ALLOW, name, seccomp.Arg(2, MASKED, 4, 0))
    elif name == "shmat":
        rules.add_rule(seccomp.ALLOW, name, seccomp.Arg(2, MASKED, 0o100000, 0))
    # execve is needed once, by the sandbox itself.
    else:
        rules.add_rule(seccomp.ALLOW, name)
with open(sys.argv[2], "wb") as out:
    rules.export_bpf(out)
PYTHON
exec 9<"$filter"
exec bwrap --unshare-user --unshare-ipc --unshare-pid --unshare-uts --unshare-cgroup-try \
    --uid 65534 --gid 65534 --cap-drop ALL --die-with-parent --new-session \
    --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp --tmpfs /home --tmpfs /run \
    --bind "$store" "$store" --chdir "$store" --seccomp 9 "$@"
