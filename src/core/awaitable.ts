/** What may already be there. A function that returns one neither makes a promise nor waits where nothing is awaited. */
export type Awaitable<T> = T | Promise<T>

/** Goes on with it: at once where it is there. */
export function andThen<T, U>(value: Awaitable<T>, next: (value: T) => Awaitable<U>): Awaitable<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/**
 * What all of the works give, begun one after the other; at once where all of it is there. One that throws does not keep
 * the others from being waited for.
 */
export function allOf<T>(works: readonly (() => Awaitable<T>)[]): Awaitable<T[]> {
  const begun = works.map(begin)
  return begun.some((one) => one instanceof Promise) ? Promise.all(begun) : (begun as T[])
}

function begin<T>(work: () => Awaitable<T>): Awaitable<T> {
  try {
    return work()
  } catch (error) {
    return Promise.reject(error)
  }
}
