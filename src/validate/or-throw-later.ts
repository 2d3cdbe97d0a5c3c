/**
 * Computes a value now, and reports a failure only when the value is asked for: a call takes its arguments as they are, also
 * where it reports what is wrong with them later.
 */
export function orThrowLater<T>(compute: () => T, describe: (error: unknown) => unknown = (error) => error): () => T {
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
