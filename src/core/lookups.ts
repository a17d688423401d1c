const FROM = ['lookupFrom', 'lookup_from', 'withLookup', 'with_lookup']

/**
 * Names of the collections that a query reads besides its own, as the library or the wire spells them. The query may be
 * of any depth and size, since nothing has checked it yet.
 */
export function lookupsIn(query: unknown): string[] {
  const names: string[] = []
  const left = [query]
  const look = (value: unknown) => {
    if (value !== null && typeof value === 'object') left.push(value)
  }
  while (left.length > 0) {
    const value = left.pop()
    if (Array.isArray(value)) {
      // An array of numbers is a vector: it names no collection.
      if (typeof value[0] !== 'number') for (const one of value) look(one)
    } else if (value !== null && typeof value === 'object' && !ArrayBuffer.isView(value)) {
      for (const [key, one] of Object.entries(value)) {
        const name: unknown = FROM.includes(key) ? (one?.collection ?? one) : null
        if (typeof name === 'string') names.push(name)
        else look(one)
      }
    }
  }
  return names
}
