/** A problem that the user at the terminal can understand and fix. It is shown as a message, without a stack. */
export class Problem extends Error {
  override readonly name = "Problem";
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
