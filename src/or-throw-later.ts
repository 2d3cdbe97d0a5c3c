/** Works a value out now, and reports a failure only when the value is asked for. */
export function orThrowLater<T>(compute: () => T, describe: (error: unknown) => unknown): () => T {
  try {
    const value = compute();
    return () => value;
  } catch (error) {
    const described = describe(error);
    return () => {
      throw described;
    };
  }
}
