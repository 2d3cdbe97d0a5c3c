/** The pages of a list, each of which is read while the one before it is used. */
export async function* readAhead<Page>(pages: AsyncIterable<Page>): AsyncGenerator<Page, void> {
  const iterator = pages[Symbol.asyncIterator]();
  let reading = iterator.next();
  try {
    for (;;) {
      const { done, value } = await reading;
      if (done) return;
      reading = iterator.next();
      // Whoever stops early never learns of it.
      reading.catch(() => undefined);
      yield value;
    }
  } finally {
    await reading.catch(() => undefined);
    await iterator.return?.();
  }
}
