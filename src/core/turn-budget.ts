/** How long reads may hold the JavaScript thread in one turn of the event loop (kTurnUs in native/binding/bounds.hpp). */
export const MOST_READ_US = 200
/**
 * The same bound for several requests together, on a thread that keeps its searches. Each request may take
 * MOST_INLINE_US. It is longer, because reading and answering requests takes longer, and a postponed search waits for
 * all requests read meanwhile.
 */
const MOST_KEPT_US = 1_000
/** The same for writes, which come when reads have had theirs. */
const MOST_WRITE_US = 200
/** A search must not hold the thread at all. */
const NEVER_INLINE = -1

/** Kept from the beginning: a test that fakes timers puts one in its place that never comes. */
const atNextTurn = setImmediate

export async function nextTurn(): Promise<void> {
  await new Promise<void>((resolve) => {
    atNextTurn(resolve)
  })
}

/**
 * The time left in this turn of the event loop for reads and writes, and the number of calls that the turn has brought.
 * A call that arrives alone is answered soonest by the thread that reads it. Where a turn brings several, each gives
 * that thread more to do than a short search takes. So work that can be done elsewhere should be.
 */
class TurnBudget {
  #readUs = MOST_READ_US
  #keptUs = MOST_KEPT_US
  #writeUs = MOST_WRITE_US
  #arrived = 0
  #arrivedBefore = 0
  #keepsSearches = false
  #isWatched = false

  /** A call from another process. Where searches are kept, each has a share of its own. */
  noteArrival(): void {
    this.#arrived++
    if (this.#keepsSearches) this.#readUs = MOST_READ_US
    this.#watch()
  }

  /** Whether this turn has brought several calls, or the one before. */
  get callsArriveTogether(): boolean {
    return this.#arrived > 1 || this.#arrivedBefore > 1
  }

  /**
   * Makes this thread keep short searches, for a later turn if this one has no time left. It is called if there are as
   * many serving threads as cores, so that the pool has no core to itself.
   */
  keepSearches(): void {
    this.#keepsSearches = true
  }

  /** Microseconds left for reads: awaiting searches that end at once never ends a turn, however many they are. */
  get readUs(): number {
    return this.#readUs
  }

  /** The same for a search; none at all while calls arrive together, since the pool takes several at a time. */
  get searchUs(): number {
    if (this.#keepsSearches) return Math.min(this.#readUs, this.#keptUs)
    return this.callsArriveTogether ? NEVER_INLINE : this.#readUs
  }

  get writeUs(): number {
    return this.#writeUs
  }

  spendOnRead(us: number): void {
    this.#readUs = Math.max(0, this.#readUs - us)
    this.#keptUs = Math.max(0, this.#keptUs - us)
    this.#watch()
  }

  spendOnWrite(us: number): void {
    this.#writeUs = Math.max(0, this.#writeUs - us)
    this.#watch()
  }

  #watch(): void {
    if (this.#isWatched) return
    this.#isWatched = true
    atNextTurn(this.#turned)
  }

  readonly #turned = () => {
    this.#readUs = MOST_READ_US
    this.#keptUs = MOST_KEPT_US
    this.#writeUs = MOST_WRITE_US
    this.#arrivedBefore = this.#arrived
    this.#arrived = 0
    this.#isWatched = false
    // Until a turn without one, so that a rush does not last for callers within this process.
    if (this.#arrivedBefore > 1) this.#watch()
  }
}

/** Of this thread. */
export const turnBudget = new TurnBudget()
