// The server's own: https://www.postgresql.org/docs/current/sql-syntax-lexical.html. What is not closed ends with the text.
// A text in quotes that has its quote twice counts as two. After E a backslash escapes. Comments nest, which tokensOf knows.
const TOKEN =
  /--[^\n\r]*|\/\*|[eE]'(?:[^'\\]|\\[\s\S]|'')*'?|'[^']*'?|"[^"]*"?|\$(?:[A-Za-z_\u0080-\u{10ffff}][\w\u0080-\u{10ffff}]*)?\$|\$\d+|[A-Za-z_\u0080-\u{10ffff}][\w$\u0080-\u{10ffff}]*|[^\s]/uy;

const SPACE = /\s+/uy;
const COMMENT_EDGE = /\/\*|\*\//g;

/** The tokens of a text, without comments. A text in dollar quotes is one. */
export function* tokensOf(text: string): Generator<string> {
  let at = 0;
  while (at < text.length) {
    const token = matchAt(SPACE, text, at) ?? (matchAt(TOKEN, text, at) as string);
    if (token === "/*") at = endOfComment(text, at);
    else if (token.length > 1 && token.startsWith("$") && token.endsWith("$")) {
      const end = text.indexOf(token, at + token.length);
      const whole = text.slice(at, end < 0 ? text.length : end + token.length);
      yield whole;
      at += whole.length;
    } else {
      at += token.length;
      if (token.trim() !== "" && !token.startsWith("--")) yield token;
    }
  }
}

/** Whether a value is bound to a token. */
export function isPlaceholder(token: string): boolean {
  return /^\$\d+$/.test(token);
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

function endOfComment(text: string, start: number): number {
  let depth = 0;
  COMMENT_EDGE.lastIndex = start;
  for (let edge = COMMENT_EDGE.exec(text); edge !== null; edge = COMMENT_EDGE.exec(text)) {
    depth += edge[0] === "/*" ? 1 : -1;
    if (depth === 0) return COMMENT_EDGE.lastIndex;
  }
  return text.length;
}
