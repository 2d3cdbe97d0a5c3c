/** An element; attributes whose value is a number are rounded. */
export function element(name: string, attributes: Readonly<Record<string, string | number>>, content = ""): string {
  const text = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${typeof value === "number" ? Math.round(value * 10) / 10 : escapeText(value)}"`)
    .join("");
  return content === "" ? `<${name}${text}/>` : `<${name}${text}>${content}</${name}>`;
}

export function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

/** A scale on which equal factors are equal distances. */
export interface LogScale {
  (value: number): number;
  /** The powers of ten on it. */
  readonly decades: readonly number[];
}

/** From the power of ten below the least value to the one above the greatest. */
export function decadeScale(values: readonly number[], from: number, to: number): LogScale {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  const place = (value: number): number => from + ((Math.log10(value) - low) / (high - low)) * (to - from);
  return Object.assign(place, { decades: Array.from({ length: high - low + 1 }, (_, step) => 10 ** (low + step)) });
}
