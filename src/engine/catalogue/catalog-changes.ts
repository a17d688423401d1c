/**
 * How often the collections of this process became others: made, dropped, replaced, renamed by an alias, or given another
 * configuration, vectors or rows. Threads that read beside the one that makes such changes look at the number before they
 * answer by what they know, so it grows in the moment in which a change shows, before anybody is told that it was made.
 */
export class CatalogChanges {
  /** Of all threads that were given it. */
  readonly shared = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  readonly #listeners = new Set<() => void>()

  get count(): number {
    return Atomics.load(this.shared, 0)
  }

  note(): void {
    Atomics.add(this.shared, 0, 1)
    for (const listener of this.#listeners) listener()
  }

  /** Returns how to end it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

export const catalogChanges = new CatalogChanges()
