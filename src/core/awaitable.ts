/** What may already be there. A function that returns one neither makes a promise nor waits where nothing is awaited. */
export type Awaitable<T> = T | Promise<T>
