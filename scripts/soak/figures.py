"""What a soak's samples say: one line, and a picture of memory over time."""
import csv

# From then on memory counts: caches of models and of the database have filled.
WARM_UP_S = 600.0


def read(path):
    with open(path, newline="") as f:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(f, delimiter="\t")]


def slope(rows, column):
    """Least squares, per hour."""
    xs = [r["seconds"] / 3600 for r in rows]
    ys = [r[column] for r in rows]
    if len(xs) < 2:
        return 0.0
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    below = sum((a - x) ** 2 for a in xs)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys)) / below if below else 0.0


def summary(rows):
    if not rows:
        return "soak hours=0.00"
    last = rows[-1]
    warm = [r for r in rows if r["seconds"] >= WARM_UP_S] or rows

    def mean(part, column):
        return sum(r[column] for r in part) / len(part)

    tenth = max(1, len(warm) // 10)
    first, end = warm[:tenth], warm[-tenth:]
    return (
        f"soak hours={last['seconds'] / 3600:.2f} "
        f"rss_start_mb={mean(first, 'rss_mb'):.1f} rss_end_mb={mean(end, 'rss_mb'):.1f} "
        f"rss_peak_mb={max(r['rss_mb'] for r in rows):.1f} rss_slope_mb_per_h={slope(warm, 'rss_mb'):+.2f} "
        f"anon_slope_mb_per_h={slope(warm, 'anon_mb'):+.2f} "
        f"fds_start={mean(first, 'fds'):.1f} fds_end={mean(end, 'fds'):.1f} fds_max={max(r['fds'] for r in rows):.0f} "
        f"threads_start={mean(first, 'threads'):.1f} threads_end={mean(end, 'threads'):.1f} "
        f"threads_max={max(r['threads'] for r in rows):.0f} "
        f"frames={last['frames']:.0f} worked={last['frames'] - last['dropped']:.0f} "
        f"passages={last['passages']:.0f} hits={last['hits']:.0f} "
        f"delivered={last['delivered']:.0f} camera_restarts={last['camera_restarts']:.0f} "
        f"lists_loaded={last['lists_loaded']:.0f} store_mb={last['store_mb']:.0f} restarts={last['restarts']:.0f}"
    )


def plot(rows, path, title):
    """RSS and its anonymous part over the hours, as SVG."""
    wide, high, left, low = 720, 300, 60, 40
    hours = max(rows[-1]["seconds"] / 3600, 0.01)
    top = max(r["rss_mb"] for r in rows) * 1.15

    def x(r):
        return left + r["seconds"] / 3600 / hours * (wide - left - 15)

    def y(v):
        return high - low - v / top * (high - low - 30)

    def line(column, colour):
        points = " ".join(f"{x(r):.1f},{y(r[column]):.1f}" for r in rows)
        return f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{points}"/>'

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" font-family="sans-serif" font-size="12">',
        f'<rect width="{wide}" height="{high}" fill="white"/>',
        f'<text x="{left}" y="18">{title}</text>',
    ]
    for i in range(5):
        value = top * i / 4
        parts.append(f'<line x1="{left}" x2="{wide - 15}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.0f}</text>')
    for i in range(5):
        at = hours * i / 4
        parts.append(f'<text x="{left + i / 4 * (wide - left - 15):.1f}" y="{high - 22}" text-anchor="middle">{at:.2f}</text>')
    parts += [
        f'<text x="{wide / 2}" y="{high - 6}" text-anchor="middle">hours</text>',
        line("rss_mb", "#1f4e8c"), line("anon_mb", "#c0504d"),
        f'<text x="{wide - 20}" y="18" text-anchor="end" fill="#1f4e8c">resident, MB</text>',
        f'<text x="{wide - 20}" y="34" text-anchor="end" fill="#c0504d">of it anonymous, MB</text>',
        "</svg>",
    ]
    with open(path, "w") as f:
        f.write("\n".join(parts) + "\n")
