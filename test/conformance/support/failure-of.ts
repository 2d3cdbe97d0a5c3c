/** The reason for which a promise is rejected. That it is fulfilled instead is a failure of the test. */
export async function failureOf(promise: PromiseLike<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`Expected a rejection, but the promise was fulfilled with ${JSON.stringify(value)}`);
}

/** The outcomes of calls that run side by side, told apart. */
interface Outcomes<T> {
  readonly values: readonly T[];
  readonly errors: readonly unknown[];
}

export async function outcomesOf<T>(promises: readonly Promise<T>[]): Promise<Outcomes<T>> {
  const settled = await Promise.allSettled(promises);
  return {
    values: settled.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : [])),
    errors: settled.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : [])),
  };
}
