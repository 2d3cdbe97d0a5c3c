/** The idempotency key of an event of a command. @param index - which of its events, from 0 */
export function keyOf(commandId: string, index: number): string {
  return `${commandId}/${index}`;
}

/** Which event of the command has a key; -1: it is of another command, or of none. */
export function indexOfKey(commandId: string, key: string): number {
  const digits = key.startsWith(`${commandId}/`) ? key.slice(commandId.length + 1) : "";
  return /^(0|[1-9]\d*)$/.test(digits) ? Number(digits) : -1;
}
