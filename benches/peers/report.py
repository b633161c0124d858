"""What was measured, as docs/performance.md and a chart a workload.

The part of the document between its marks is written anew; the rest is kept.
"""

import datetime
import html
import math
import os
import pathlib
import platform

COLOURS = {"ndfuse": "#c2410c", "limit": "#94a3b8"}
OTHER = "#2563eb"
OWN = ("ndfuse", "limit")


def machine(threads):
    names = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    flags = next((line for line in open("/proc/cpuinfo") if line.startswith("flags")), "")
    vectors = [name for flag, name in [("avx2", "AVX2"), ("avx512f", "AVX-512")] if f" {flag}" in flags]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": f"{names[0] if names else platform.machine()}, {len(names)} processors, {', '.join(vectors)}",
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "threads": threads,
        "date": datetime.date.today().isoformat(),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def digits(x):
    """Three or four digits that matter."""
    whole = math.floor(math.log10(x)) + 1 if x > 0 else 1
    return f"{x:.{max(3 - whole, 0) if whole > -4 else 7}f}"


def is_own(system):
    return system.startswith(OWN)


def best(rows, mapped):
    """The fastest peer that makes new results, or that has its memory mapped already."""
    peers = [row for row in rows if not is_own(row["system"]) and row["system"].endswith("-mapped") == mapped]
    return min(peers, key=lambda row: row["ms"], default=None)


def one(rows, system):
    return next((row for row in rows if row["system"] == system), None)


def mean(ratios):
    return math.exp(sum(math.log(r) for r in ratios) / len(ratios)) if ratios else math.nan


def summary(found, linked=True):
    lines = [
        "| workload | ndfuse | best peer | ratio | ndfuse-into | best, mapped | ratio | of limit |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    ratios = {False: [], True: []}
    for name, entry in found["workloads"].items():
        rows, cells = entry["rows"], [f"[`{name}`](#{name})" if linked else f"`{name}`"]
        for system, mapped in (("ndfuse", False), ("ndfuse-into", True)):
            own, peer = one(rows, system), best(rows, mapped)
            cells.append(f"{digits(own['ms'])}" if own else "")
            cells.append(f"{digits(peer['ms'])} {peer['system'].removesuffix('-mapped')}" if peer else "none")
            if own and peer:
                ratios[mapped].append(own["ms"] / peer["ms"])
                cells.append(f"**{ratios[mapped][-1]:.2f}**")
            else:
                cells.append("")
        into = one(rows, "ndfuse-into") or one(rows, "ndfuse")
        cells.append(f"{100 * into['limit_ratio']:.0f} %" if "limit_ratio" in into else "")
        lines.append("| " + " | ".join(cells) + " |")
    lines.append(
        f"| geometric mean | | | **{mean(ratios[False]):.2f}** | | | **{mean(ratios[True]):.2f}** | |"
    )
    return "\n".join(lines)


def table(rows):
    rate = next((key for key in ("gbps", "gflops") if key in rows[0]), None)
    title = {"gbps": "GB/s", "gflops": "GFLOP/s", None: ""}[rate]
    lines = [f"| system | ms | min | max | {title} | of limit |", "|---|--:|--:|--:|--:|--:|"]
    for row in sorted(rows, key=lambda row: row["ms"]):
        cells = [row["system"], *(digits(row[key]) for key in ("ms", "min", "max"))]
        cells.append(f"{row[rate]:.1f}" if rate in row else "")
        cells.append(f"{100 * row['limit_ratio']:.0f} %" if "limit_ratio" in row else "")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def chart(name, rows):
    """Horizontal bars; one that is more than eight times the shortest of ndfuse is cut, with its number beside it."""
    rows = sorted(rows, key=lambda row: row["ms"])
    own = [row["ms"] for row in rows if row["system"].startswith("ndfuse")]
    limit = min(max(row["ms"] for row in rows), 8 * min(own))
    left, width, height = 170, 420, 20
    size = (left + width + 110, height * len(rows) + 40)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}" height="{size[1]}" font-family="sans-serif" font-size="12">',
        f'<rect width="{size[0]}" height="{size[1]}" fill="white"/>',
        f'<text x="{left}" y="18" font-weight="bold">{html.escape(name)}: ms, shorter is better</text>',
    ]
    for k, row in enumerate(rows):
        y, long = 30 + k * height, max(1, width * min(row["ms"] / limit, 1))
        colour = COLOURS.get(row["system"].split("-")[0], OTHER)
        more = " …" if row["ms"] > limit else ""
        out.append(f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{html.escape(row["system"])}</text>')
        out.append(f'<rect x="{left}" y="{y + 2}" width="{long:.1f}" height="{height - 5}" fill="{colour}"/>')
        out.append(f'<text x="{left + long + 6:.1f}" y="{y + 13}">{digits(row["ms"])}{more}</text>')
    return "\n".join([*out, "</svg>", ""])


def text(found):
    about = found["machine"]
    versions = {name.removesuffix("-mapped"): version for name, version in found["systems"].items()}
    parts = [
        f"- {about['processor']}, {about['memory']}, {about['system']}; {about['date']}",
        f"- {about['threads']} threads for every system; load {about['load']} before the start",
        "- " + ", ".join(f"{name} {version}" for name, version in versions.items()) + "",
        "- Every form makes a new result in each call and frees it, within its time, but for `ndfuse-into`, which writes to",
        "  the caller's memory. A peer is as it is installed; `-mapped` is the same with a malloc that keeps what it has",
        "  (`MALLOC_TRIM_THRESHOLD_`, `MALLOC_MMAP_THRESHOLD_`), in large pages (`glibc.malloc.hugetlb=1`): its results' pages",
        "  are mapped already, as those of `ndfuse-into` are.",
        "- All operands lie in large pages: NumPy asks for them for its arrays, with which Python's libraries are called; the",
        "  processes of `ndfuse`, `ndarray`, candle and burn have them by `glibc.malloc.hugetlb=1`. candle and burn are built",
        "  for this very processor (`target-cpu=native`) and with the `gemm` crate's AVX-512.",
        "- The limit is a copy or a read of as many bytes by two threads, or the rate of the `gemm` crate's product of square",
        "  matrices, measured in the same turns.\n",
        "Milliseconds, medians; a ratio below 1 says that ndfuse is faster.\n",
        summary(found),
    ]
    for name, entry in found["workloads"].items():
        parts.append(f"\n### {name}\n\n![{name}](performance/{name}.svg)\n\n{table(entry['rows'])}")
        if not any(not is_own(row["system"]) for row in entry["rows"]):
            parts.append("\nNo peer has it.")
        parts += [f"\n{note}." for note in entry["notes"]]
    return "\n".join(parts)


def held(found):
    """What is said of a run that was held to an instruction set: one table."""
    about = found["machine"]
    versions = {name: version for name, version in found["systems"].items() if not name.endswith("-mapped")}
    rows = [f"- {about['processor']}; {about['date']}; {about['threads']} threads; load {about['load']} before the start"]
    rows.append("- " + ", ".join(f"{name} {version}" for name, version in versions.items()))
    of_note = {}
    for name, entry in found["workloads"].items():
        for note in entry["notes"]:
            of_note.setdefault(note.split(":")[0], []).append(f"`{name}`")
    notes = [f"- {note}, and is left out: {', '.join(names)}." for note, names in sorted(of_note.items())]
    return "\n".join([*rows, *notes, "", summary(found, linked=False)])


def write(found, root: pathlib.Path):
    path = root / "docs/performance.md"
    isa = found.get("isa")
    part, content = (f"peers {isa}", held(found)) if isa else ("peers", text(found))
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    before, rest = path.read_text().split(begin)
    path.write_text(f"{before}{begin}\n{content}\n{end}{rest.split(end)[1]}")
    charts = {} if isa else found["workloads"]
    folder = root / "docs/performance"
    folder.mkdir(exist_ok=True)
    for name, entry in charts.items():
        (folder / f"{name}.svg").write_text(chart(name, entry["rows"]))
    print(f"{path} and {len(charts)} charts are written")
