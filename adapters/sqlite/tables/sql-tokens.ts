// SQLite's own: https://www.sqlite.org/src/file/src/tokenize.c. A quoted text that has its quote twice counts as two. What is
// not closed ends with the text. A byte order mark is white space there as it is here, but within a word. The name of a
// placeholder may have parentheses at its end, with quotes and semicolons in them.
const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'[^']*'?|"[^"]*"?|`[^`]*`?|\[[^\]]*\]?|\?\d*|[$:@#](?:[\w$\u0080-\u{10ffff}]|::)+(?:\([^\t-\r )]*\))?|(?!\ufeff)[A-Za-z_\u0080-\u{10ffff}][\w$\u0080-\u{10ffff}]*|[^\s]/gu;

/** The tokens of a statement, without comments. */
export function* tokensOf(text: string): Generator<string> {
  for (const [token] of text.matchAll(TOKEN)) if (!isComment(token)) yield token;
}

/** Cuts a text at its placeholders: `?`, `?3`, and named ones such as `$1`. There is one part more than placeholders. */
export function cutAtPlaceholders(text: string): { readonly parts: string[]; readonly placeholders: string[] } {
  const parts: string[] = [];
  const placeholders: string[] = [];
  let end = 0;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (!isPlaceholder(token)) continue;
    parts.push(text.slice(end, index));
    placeholders.push(token);
    end = index + token.length;
  }
  return { parts: [...parts, text.slice(end)], placeholders };
}

/** Tells whether a value is bound to a token. SQLite refuses a `#` before a digit. */
export function isPlaceholder(token: string): boolean {
  return PLACEHOLDER.test(token);
}

const PLACEHOLDER = /^(?:\?|[$:@].|#\D)/u;

function isComment(token: string): boolean {
  return token.startsWith("--") || token.startsWith("/*");
}
