/**
 * A collection as its classes implement it, with the widest types of options and answers: the kernel's results do not
 * follow types.
 */
export type Untyped<C> = { [K in keyof C]: C[K] extends (...args: infer A) => infer R ? (...args: A) => R : C[K] }
