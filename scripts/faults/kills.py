"""SIGKILL of the process at random moments."""
import time

from world import World


def kill(runs, keep):
    world = World("kill")
    problems, slowest = [], 0.0
    try:
        world.broker.up()
        world.subscriber.up()
        for run in range(runs):
            world.start(per_second=200)
            # From before the store is open to a second of full load.
            time.sleep(world.random.uniform(0.0, 0.7))
            world.kill()
            if run % 50 == 49 or run == runs - 1:
                # The program's own clean-up runs at its next start; then the store must be whole.
                seconds, _ = world.drain()
                slowest = max(slowest, seconds)
                found = world.check_store()
                problems += [f"after run {run + 1}: {line}" for line in found]
                print(f"kill: {run + 1} runs, {len(world.recorded)} events recorded, "
                      f"{len(world.lost()[0])} lost", flush=True)
        lost, twice = world.lost()
        problems += [f"lost: {i}" for i in lost]
        return {"lost": len(lost), "duplicates": len(twice), "problems": problems,
                "recorded": len(world.recorded), "recovery_s": slowest}
    finally:
        world.close(keep)
