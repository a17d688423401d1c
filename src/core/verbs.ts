/** Gives a class the verbs of a list, as methods: for classes that pass many verbs on to another object. */
export function addVerbs<V extends string>(
  to: { readonly prototype: object },
  verbs: readonly V[],
  methodOf: (verb: V) => (...args: never[]) => unknown,
): void {
  for (const verb of verbs) {
    Object.defineProperty(to.prototype, verb, { value: methodOf(verb), writable: true, configurable: true })
  }
}
