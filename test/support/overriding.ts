/** An object that behaves like another one, but for some of its members. */
export function overriding<T extends object>(target: T, overrides: Partial<T>): T {
  return new Proxy(target, {
    get: (_, key) => {
      if (Object.hasOwn(overrides, key)) return Reflect.get(overrides, key);
      // The receiver is the target itself: private members are not seen through a proxy.
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
