"""Faults of the broker: away, killed, refusing."""
import signal
import subprocess
import time

from world import World, program, wait_for


def _result(world, problems, slowest):
    lost, twice = world.lost()
    problems += [f"lost: {i}" for i in lost]
    problems += world.check_store()
    return {"lost": len(lost), "duplicates": len(twice), "problems": problems,
            "recorded": len(world.recorded), "recovery_s": slowest}


def outage(runs, keep):
    """Recorded while nobody listens, delivered in order when the broker is back, new hits ahead of old passages."""
    world = World("outage")
    problems, slowest = [], 0.0
    try:
        world.broker.up()
        world.subscriber.up()
        for run in range(runs):
            world.start(seconds=8, per_second=100)
            time.sleep(1.0)
            world.broker.down()
            time.sleep(5.0)
            world.broker.up()
            world.subscriber.down()
            world.subscriber.up()
            code, _ = world.finish()
            if code != 0:
                problems.append(f"run {run + 1}: the program ended with {code}")
            seconds, values = world.drain()
            slowest = max(slowest, seconds)
            if values.get("undelivered") != "0":
                problems.append(f"run {run + 1}: {values.get('undelivered')} messages left")
        return _result(world, problems, slowest)
    finally:
        world.close(keep)


def kill(runs, keep):
    """The broker dies without farewell; what it had acknowledged it had passed on (the subscriber is connected)."""
    world = World("broker-kill")
    problems, slowest = [], 0.0
    try:
        world.broker.up()
        world.subscriber.up()
        world.start(per_second=100, drain=120)
        for _ in range(runs):
            time.sleep(world.random.uniform(0.2, 1.5))
            # What the broker took and had not yet passed on when it died is the broker's loss, not the box's:
            # acknowledged means the broker's responsibility (MQTT 5.0 section 4.3.2). So let it pass on first.
            world.broker.process.send_signal(signal.SIGKILL)
            world.broker.process.wait()
            world.subscriber.down()
            world.broker.up()
            world.subscriber.up()
        world.box.send_signal(signal.SIGTERM)
        world.finish()
        slowest, _ = world.drain()
        return _result(world, problems, slowest)
    finally:
        world.close(keep)


def refuses(runs, keep):
    """An access list that lacks the topic: messages are put aside with the reason and sent when asked again."""
    world = World("refuses")
    problems, slowest = [], 0.0
    acl = world.dir / "acl"
    closed = "topic read platewatch/#\ntopic write platewatch/v1/faults/box-1/status\n"
    opened = "topic readwrite platewatch/#\n"
    try:
        for run in range(runs):
            acl.write_text(closed)
            world.broker.write(f"acl_file {acl}")
            world.broker.up()
            world.subscriber.up()
            world.start(seconds=3, per_second=30)
            _, values = world.finish()
            if int(values.get("dead", "0")) == 0:
                problems.append(f"run {run + 1}: nothing was put aside: {values}")
            acl.write_text(opened)
            world.broker.process.send_signal(signal.SIGHUP)  # mosquitto reads its access list again
            time.sleep(0.5)
            subprocess.run([program(), "outbox", "retry", "--all", "--data", str(world.store)], check=True,
                           stdout=subprocess.DEVNULL)
            seconds, values = world.drain()
            slowest = max(slowest, seconds)
            if values.get("dead") != "0":
                problems.append(f"run {run + 1}: still put aside: {values}")
            world.subscriber.down()
            world.broker.down()
        return _result(world, problems, slowest)
    finally:
        world.close(keep)
