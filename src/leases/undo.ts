/** What has to be taken back when a transaction is not committed. */
export type Undo = (() => void)[];

/** Takes everything back, the last first. */
export function takeBack(undo: Undo): void {
  for (const step of undo.splice(0).reverse()) step();
}
