/**
 * Counts changes of the collections of this process: made, dropped, replaced, renamed by an alias, or given another
 * configuration, vectors or rows. Serving threads read the count before they answer from a cached collection. The count
 * therefore grows when a change becomes visible, before its caller gets an answer.
 */
export class CatalogChanges {
  /** The counter's memory, given to all serving threads. */
  readonly shared = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  readonly #listeners = new Set<() => void>()

  get count(): number {
    return Atomics.load(this.shared, 0)
  }

  note(): void {
    Atomics.add(this.shared, 0, 1)
    this.announce()
  }

  /** Tells the listeners of a change that is not counted: a collection closed. Its own cells say so. */
  announce(): void {
    for (const listener of this.#listeners) listener()
  }

  /** Returns a function that removes the listener. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

export const catalogChanges = new CatalogChanges()
