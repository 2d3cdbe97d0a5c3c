// The server's own: https://www.postgresql.org/docs/current/sql-syntax-lexical.html. What is not closed ends with the text.
// A text in single quotes that has one twice counts as two. After E a backslash escapes. Comments nest, which tokensOf knows.
const TOKEN =
  /--[^\n\r]*|\/\*|[eE]'(?:[^'\\]|\\[\s\S]|'')*'?|'[^']*'?|[uU]&"(?:[^"]|"")*"(?:\s*[uU][eE][sS][cC][aA][pP][eE]\s*'[^']')?|"(?:[^"]|"")*"?|\$(?:[A-Za-z_\u0080-\u{10ffff}][\w\u0080-\u{10ffff}]*)?\$|\$\d+|[A-Za-z_\u0080-\u{10ffff}][\w$\u0080-\u{10ffff}]*|[^\s]/uy;

const SPACE = /\s+/uy;
const COMMENT_EDGE = /\/\*|\*\//g;

/** The tokens of a text, without comments. A text in dollar quotes is one. Names have no escapes any more. */
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
      if (token.trim() !== "" && !token.startsWith("--"))
        yield token.slice(1, 3) === '&"' ? withoutEscapes(token) : token;
    }
  }
}

/** What escapes of a name may be: a character, which is the one that escapes, and a number or itself once more. */
const ESCAPE = /(.)(?:\+([\da-f]{6})|([\da-f]{4})|\1)/giu;

/** A name such as U&"es\005fa" as the server takes it, in quotes. */
function withoutEscapes(token: string): string {
  const end = token.lastIndexOf('"') + 1;
  const escaping = /'(.)'$/u.exec(token.slice(end))?.[1] ?? "\\";
  return token.slice(2, end).replaceAll(ESCAPE, (whole, first: string, six?: string, four?: string) => {
    if (first !== escaping) return whole;
    const digits = six ?? four;
    // The server refuses a number that is too large.
    return digits === undefined ? first : String.fromCodePoint(Math.min(Number.parseInt(digits, 16), 0x10ffff));
  });
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
