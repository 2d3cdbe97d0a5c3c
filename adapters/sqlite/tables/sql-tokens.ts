// SQLite's own: https://www.sqlite.org/src/file/src/tokenize.c. A quoted text that has its quote twice counts as two. What is
// not closed ends with the text. A byte order mark is white space there as it is here, but within a word.
const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'[^']*'?|"[^"]*"?|`[^`]*`?|\[[^\]]*\]?|\?\d*|[$:@][\w$\u0080-\u{10ffff}]+|(?!\ufeff)[A-Za-z_\u0080-\u{10ffff}][\w$\u0080-\u{10ffff}]*|[^\s]/gu;

/** The tokens of a statement, without comments. */
export function* tokensOf(text: string): Generator<string> {
  for (const [token] of text.matchAll(TOKEN)) if (!isComment(token)) yield token;
}

/** Writes each placeholder of a text anew: `?`, `?3`, and named ones such as `$1`. */
export function replacePlaceholders(text: string, replace: (placeholder: string) => string): string {
  return text.replaceAll(TOKEN, (token) => (PLACEHOLDER.test(token) ? replace(token) : token));
}

const PLACEHOLDER = /^(?:\?|[$:@].)/u;

function isComment(token: string): boolean {
  return token.startsWith("--") || token.startsWith("/*");
}
