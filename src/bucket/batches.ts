/** How many of the first items have at most so many bytes together; at least one, if there is one. */
export function countWithin<T>(items: readonly T[], most: number, bytesOf: (item: T) => number): number {
  let bytes = 0
  for (const [at, item] of items.entries()) {
    bytes += bytesOf(item)
    if (bytes > most && at > 0) return at
  }
  return items.length
}
