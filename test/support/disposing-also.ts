/** Makes the disposal of one thing that of others too: those before it, then itself, then those behind it. */
export function disposingAlso<T extends AsyncDisposable>(
  subject: T,
  {
    before = [],
    after = [],
  }: { readonly before?: readonly AsyncDisposable[]; readonly after?: readonly AsyncDisposable[] },
): T {
  const disposeSubject = subject[Symbol.asyncDispose].bind(subject);
  subject[Symbol.asyncDispose] = async () => {
    for (const other of before) await other[Symbol.asyncDispose]();
    await disposeSubject();
    for (const other of after) await other[Symbol.asyncDispose]();
  };
  return subject;
}
