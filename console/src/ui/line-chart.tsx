import { useElementSize } from "@mantine/hooks";
import { useMantineColorScheme, useComputedColorScheme } from "@mantine/core";
import { type ReactNode, useEffect, useRef } from "react";
import uPlot from "uplot";
import { useText } from "../text/text-context.tsx";

export interface Line {
  readonly label: string;
  readonly values: readonly (number | null)[];
  /** How a value is written, at the axis and in the legend. */
  readonly write: (value: number) => string;
  /** The axis reaches to here at least: a line of zeros is no mountain. */
  readonly least: number;
}

interface Drawn {
  /** For who does not see it: what is drawn. */
  readonly label: string;
  /** Moments, in seconds since 1970. */
  readonly at: readonly number[];
  /** One or two; a second one has an axis of its own at the right. */
  readonly lines: readonly Line[];
  readonly height?: number;
}

const COLOURS = ["--chart-first", "--chart-second"];

/** Lines over time: a thin cover over uPlot, which draws thousands of points in a millisecond. */
export function LineChart({ label, at, lines, height = 180 }: Drawn): ReactNode {
  const { ref, width } = useElementSize();
  const { time } = useText().words;
  const scheme = useComputedColorScheme();
  const { colorScheme } = useMantineColorScheme();
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const newest = useRef(lines);
  newest.current = lines;
  const count = lines.length;

  // What it looks like makes a new plot; new figures only go into the one that is there.
  useEffect(() => {
    if (host.current === null || width === 0) return undefined;
    const made = new uPlot(options(newest, width, height, time), [[], ...Array.from({ length: count }, () => [])], host.current);
    plot.current = made;
    return () => {
      plot.current = undefined;
      made.destroy();
    };
  }, [width, height, count, scheme, colorScheme, time]);

  useEffect(() => {
    plot.current?.setData([[...at], ...lines.map(({ values }) => [...values])]);
  }, [at, lines, width, height, count, scheme, colorScheme, time]);

  return (
    <div ref={ref} style={{ minHeight: height + 30 }}>
      <div ref={host} role="img" aria-label={label} />
    </div>
  );
}

function options(lines: { readonly current: readonly Line[] }, width: number, height: number, time: string): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const font = `11px ${style.getPropertyValue("--mantine-font-family")}`;
  const axis = { stroke: colour("--mantine-color-dimmed"), font, grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  const written = (line: number, value: number | null | undefined): string => (value === null || value === undefined ? "–" : (lines.current[line]?.write(value) ?? ""));
  return {
    width,
    height,
    padding: [8, 0, 0, 0],
    cursor: { points: { size: 6 }, y: false, drag: { x: false, y: false } },
    legend: { live: true },
    scales: Object.fromEntries(lines.current.map(({ least }, line) => [`y${line}`, { range: (_plot, _low, high) => [0, Math.max(high, least) * 1.1] } satisfies uPlot.Scale])),
    axes: [
      { ...axis, space: 70, size: 28, values: [[60, "{HH}:{mm}", null, null, null, null, null, null, 1], [1, "{HH}:{mm}:{ss}", null, null, null, null, null, null, 1]] }, // prettier-ignore
      ...lines.current.map((_, line) => ({
        ...axis,
        scale: `y${line}`,
        side: line === 0 ? (3 as const) : (1 as const),
        size: 74,
        grid: { ...axis.grid, show: line === 0 },
        values: (_plot: uPlot, splits: number[]) => splits.map((value) => written(line, value)),
      })),
    ],
    series: [
      { label: time, value: "{HH}:{mm}:{ss}" },
      ...lines.current.map(({ label }, line) => ({
        label,
        scale: `y${line}`,
        stroke: colour(COLOURS[line] ?? "--chart-first"),
        width: 1.5,
        points: { show: false },
        value: (_plot: uPlot, value: number | null) => written(line, value),
      })),
    ],
  };
}
