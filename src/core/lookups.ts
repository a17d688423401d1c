const FROM = ['lookupFrom', 'lookup_from', 'withLookup', 'with_lookup']

/** Names of the collections that a query reads besides its own, as the library or the wire spells them. */
export function lookupsIn(query: unknown): string[] {
  if (query === null || typeof query !== 'object' || ArrayBuffer.isView(query) || isVector(query)) return []
  return Object.entries(query).flatMap(([key, value]) => {
    const name: unknown = FROM.includes(key) ? (value?.collection ?? value) : null
    return typeof name === 'string' ? [name] : lookupsIn(value)
  })
}

const isVector = (value: object) => Array.isArray(value) && typeof value[0] === 'number'
