// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what JSON escapes
const PLAIN_KEY = /^[^"\\\u0000-\u001f]+$/;

/** SQLite's path to a value in JSON; null where JSON writes one of the keys with an escape. */
export function jsonPathOf(path: readonly string[]): string | null {
  return path.every((key) => PLAIN_KEY.test(key)) ? `$${path.map((key) => `."${key}"`).join("")}` : null;
}
