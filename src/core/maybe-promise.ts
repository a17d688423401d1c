/** A value, or a promise of it. A function that returns a MaybePromise makes no promise if nothing has to be awaited. */
export type MaybePromise<T> = T | Promise<T>

/** Calls `next` with the value, at once if it is there. */
export function andThen<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/**
 * Starts all works one after the other and returns their results; at once if all are there. A work that throws does not
 * keep the others from being awaited.
 */
export function allOf<T>(works: readonly (() => MaybePromise<T>)[]): MaybePromise<T[]> {
  const begun = works.map(begin)
  return begun.some((one) => one instanceof Promise) ? Promise.all(begun) : (begun as T[])
}

function begin<T>(work: () => MaybePromise<T>): MaybePromise<T> {
  try {
    return work()
  } catch (error) {
    return Promise.reject(error)
  }
}
