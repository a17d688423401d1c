/** Where in its request a value stands. Made while reading, turned into text by an error alone. */

export interface Place {
  readonly parent: Place | null
  /** As the caller wrote it; a number: the index in an array. */
  readonly key: string | number
  /** The key is a name that the caller made up, such as a vector's. */
  readonly isName?: boolean
  /** Where Qdrant's own type has the key. */
  readonly within?: string | undefined
}

/** `vectors.image.hnswConfig.m`, `points[3].vector`; a value without a place is called `whole`. */
export function fieldOf(place: Place | null, whole: string): string {
  if (place === null) return whole
  return joined(place, ({ key }) => key)
}

/** The same in the way of the wire's violations, which show a name as `?`. */
export function pathOf(place: Place | null): string {
  if (place === null) return '__all__'
  return joined(place, ({ key, isName, within }) => {
    const shown = isName ? '?' : key
    return within === undefined ? shown : `${within}.${shown}`
  })
}

function joined(place: Place, keyOf: (place: Place) => string | number): string {
  const parts: string[] = []
  for (let at: Place | null = place; at !== null; at = at.parent) {
    const key = keyOf(at)
    parts.push(typeof key === 'number' ? `[${key}]` : at.parent === null ? key : `.${key}`)
  }
  return parts.reverse().join('')
}
