/** Thrown where a query looks points up in a collection that is not open. The read runs again while that one is open. */
export class ColdLookup {
  /** Opens the collection, and keeps it open until the work has ended. */
  readonly whileOpen: <T>(work: () => Promise<T>) => Promise<T>

  constructor(whileOpen: <T>(work: () => Promise<T>) => Promise<T>) {
    this.whileOpen = whileOpen
  }
}
