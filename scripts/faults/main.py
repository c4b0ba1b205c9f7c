"""scripts/faults.sh: causes faults, counts what is lost. See docs/guide/reliability.md."""
import argparse
import sys
import time

import broker
import corrupt
import disk
import kills
import live
import powercut

# name: (what is done, how many runs by default, how many in the short version, function)
FAULTS = {
    "kill": ("SIGKILL at random moments under load, restart each time", 1000, 12, kills.kill),
    "power-cut": ("the power is cut: unsynced writes are dropped or torn, restart each time", 200, 4, powercut.power_cut),
    "broker-outage": ("the broker is away while hits are recorded, then comes back", 5, 1, broker.outage),
    "broker-kill": ("SIGKILL of the broker at random moments under load", 50, 3, broker.kill),
    "broker-refuses": ("the broker's access list refuses the hits, then lets them pass", 3, 1, broker.refuses),
    "disk-full": ("the disk fills up under load, then there is room again", 10, 1, disk.full),
    "disk-read-only": ("the disk turns read-only under load, then takes writes again", 10, 1, disk.read_only),
    "disk-slow": ("the disk hangs for 30 s under load (6 s with --short)", 10, 1, disk.slow),
    "corrupt": ("noise over database and write-ahead log, files cut off", 40, 1, corrupt.corrupt),
    "corrupt-encrypted": ("noise over the first page and the log's header of an encrypted store", 12, 1, corrupt.corrupt_encrypted),
    "clock": ("the clock jumps back and forth, and stands at 1970 at the start", 9, 3, live.clock),
    "panic": ("threads of the box panic", 8, 2, live.panic),
}
# What the short version does otherwise than in fewer runs.
SHORT = {"disk-slow": disk.slow_short}


def main():
    parser = argparse.ArgumentParser(
        prog="scripts/faults.sh", description="Causes faults and counts what is lost (must be 0).",
        epilog="Example: scripts/faults.sh kill --runs 1000. Ends with NAME runs=N lost=L duplicate_ids=D; "
               "exit code 1 where something is lost or the store is not whole.")
    parser.add_argument("name", help="a fault, `list`, or `all`")
    parser.add_argument("--runs", type=int, help="how often")
    parser.add_argument("--short", action="store_true", help="the few runs that CI makes")
    parser.add_argument("--keep", action="store_true", help="keep the folder of the run to look at")
    args = parser.parse_args()
    if args.name == "list":
        for name, (what, runs, short, _) in FAULTS.items():
            print(f"{name:18} {what} ({runs} runs; {short} with --short)")
        return 0
    if args.name != "all" and args.name not in FAULTS:
        print(f"faults: no fault {args.name!r}; scripts/faults.sh list names them", file=sys.stderr)
        return 2
    failed = False
    for name in FAULTS if args.name == "all" else [args.name]:
        _, runs, short, cause = FAULTS[name]
        cause = SHORT.get(name, cause) if args.short else cause
        runs = args.runs or (short if args.short else runs)
        began = time.monotonic()
        result = cause(runs, args.keep)
        for problem in result["problems"][:20]:
            print(f"{name}: {problem}", file=sys.stderr)
        recovery = f"{result['recovery_s']:.2f}" if result.get("recovery_s") is not None else "-"
        print(f"{name}: {time.monotonic() - began:.0f} s, {result['recorded']} events recorded, "
              f"longest recovery {recovery} s", file=sys.stderr)
        print(f"{name} runs={runs} lost={result['lost']} duplicate_ids={result['duplicates']}", flush=True)
        failed |= bool(result["lost"] or result["problems"])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
