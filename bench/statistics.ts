export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export interface Ratio {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/**
 * Compares two tools round by round: what disturbs the machine for a while disturbs both sides of a pair alike, so that
 * the median of the ratios says more than the ratio of the medians. Undefined without a round in which both have a value.
 */
export function pairedRatio(of: readonly (number | undefined)[], to: readonly (number | undefined)[]): Ratio | undefined {
  const ratios = of.flatMap((value, round) => {
    const other = to[round];
    return value === undefined || other === undefined ? [] : [value / other];
  });
  return ratios.length === 0 ? undefined : { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}

/** The smallest value that at least `fraction` of all values do not exceed (nearest rank); NaN of nothing. */
export function percentile(values: readonly number[], fraction: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)] ?? Number.NaN;
}
