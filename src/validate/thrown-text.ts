/** What a thrown value says, in whatever it was thrown: an error whose message is no text, or a value that has no text at all. */
export function thrownText(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return "A value was thrown that has no text.";
  }
}
