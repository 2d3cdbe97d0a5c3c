/** A number with as many digits as mean something. */
export function formatNumber(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude >= 100) return Math.round(value).toLocaleString("en");
  return value.toFixed(magnitude >= 10 ? 1 : 2);
}

/** Units of what is counted, which the figure's own name says already. */
const COUNTS: readonly string[] = ["errors", "events"];

/** A number with its unit; a dash where there is none. */
export function formatValue(value: number | undefined, unit: string): string {
  if (value === undefined) return "-";
  if (COUNTS.includes(unit)) return Math.round(value).toLocaleString("en");
  return `${formatNumber(value)}${unit.endsWith("/s") ? "/s" : ` ${unit}`}`;
}
