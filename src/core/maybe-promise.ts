/** A value, or a promise of it. A function that returns a MaybePromise makes no promise if nothing has to be awaited. */
export type MaybePromise<T> = T | Promise<T>

/** Calls `next` with the value, at once if it is there. */
export function andThen<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}
