/**
 * Counters of requests in work and of their bytes, for all serving threads. Each thread has its own row in shared
 * memory and alone writes to it. A bound is compared with the sum of the rows. A thread adds its amount before it reads
 * the sum, so two threads never both take the last place. The row of an ended thread is cleared, so nothing stays
 * counted.
 */

/** `streams` counts open WebSockets. Byte counters cover bodies as they arrive, and large answers on their way. */
export const BUDGETS = ['reads', 'writes', 'streams', 'readBytes', 'writeBytes', 'answerBytes'] as const
export type Budget = (typeof BUDGETS)[number]
export type BodyBudget = 'readBytes' | 'writeBytes'

/** Callers are hashed to this many places. Two callers at one place share one share, which restricts only them. */
export const CALLER_PLACES = 256
/** Share of each bound that one of several callers may take. */
export const CALLER_SHARE = 1 / 2

/** Counters have 32 bits, so bytes are counted in this unit. */
const BYTES_UNIT = 1024
const CELLS_OF_BUDGET = 1 + CALLER_PLACES
const ROW_CELLS = BUDGETS.length * CELLS_OF_BUDGET
const ALL = -1

const UNITS: Readonly<Record<Budget, number>> = {
  reads: 1,
  writes: 1,
  streams: 1,
  readBytes: BYTES_UNIT,
  writeBytes: BYTES_UNIT,
  answerBytes: BYTES_UNIT,
}
const BUDGET_AT = Object.fromEntries(BUDGETS.map((budget, at) => [budget, at])) as Record<Budget, number>

/** The place of a caller; null if callers have no shares. */
export type Caller = number | null
export type Full = 'bound' | 'share' | null

/**
 * The memory of `rows` rows. The first cells, one a budget, hold the row that may exceed the bound, plus one; 0: none.
 */
export function sharedBudgets(rows: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer((BUDGETS.length + rows * ROW_CELLS) * Int32Array.BYTES_PER_ELEMENT))
}

export class Budgets {
  readonly #cells: Int32Array
  readonly #row: number
  readonly #begin: number
  /** Exact amounts of this thread. */
  readonly #own = new Float64Array(ROW_CELLS)
  readonly #boundOf: (budget: Budget) => number

  constructor(cells: Int32Array, row: number, boundOf: (budget: Budget) => number) {
    this.#cells = cells
    this.#row = row
    this.#begin = beginOf(row)
    this.#boundOf = boundOf
  }

  /** The amount of this thread alone. */
  own(budget: Budget): number {
    return this.#own[cellOf(budget, ALL)] as number
  }

  /** The sum over all threads; bytes are rounded up. */
  sum(budget: Budget, caller: number = ALL): number {
    const cell = cellOf(budget, caller)
    let sum = 0
    for (let at = BUDGETS.length + cell; at < this.#cells.length; at += ROW_CELLS) sum += Atomics.load(this.#cells, at)
    return sum * UNITS[budget]
  }

  bound(budget: Budget): number {
    return this.#boundOf(budget)
  }

  /** Counts without checking the bound. */
  add(budget: Budget, amount: number, caller: Caller): void {
    this.#count(budget, amount, ALL)
    if (caller !== null) this.#count(budget, amount, caller)
  }

  give(budget: Budget, amount: number, caller: Caller): void {
    this.add(budget, -amount, caller)
  }

  /** The bound that is exceeded now; null if none is. */
  full(budget: Budget, caller: Caller): Full {
    const bound = this.#boundOf(budget)
    if (this.sum(budget) > bound) return 'bound'
    return caller !== null && this.sum(budget, caller) > shareOf(bound) ? 'share' : null
  }

  /** Counts the amount, unless that exceeds a bound; then returns that bound. */
  take(budget: Budget, amount: number, caller: Caller): Full {
    this.add(budget, amount, caller)
    const full = this.full(budget, caller)
    if (full !== null) this.give(budget, amount, caller)
    return full
  }

  /** Whether this thread may have a body that exceeds the bound. All threads together may have one. */
  tryBeyond(budget: Budget): boolean {
    return Atomics.compareExchange(this.#cells, BUDGET_AT[budget], 0, this.#row + 1) === 0
  }

  endBeyond(budget: Budget): void {
    Atomics.store(this.#cells, BUDGET_AT[budget], 0)
  }

  #count(budget: Budget, amount: number, caller: number): void {
    const cell = cellOf(budget, caller)
    const own = (this.#own[cell] as number) + amount
    this.#own[cell] = own
    Atomics.store(this.#cells, this.#begin + cell, Math.ceil(own / UNITS[budget]))
  }
}

/** Gives back everything that an ended thread held. */
export function forgetRow(cells: Int32Array, row: number): void {
  cells.fill(0, beginOf(row), beginOf(row + 1))
  for (let at = 0; at < BUDGETS.length; at++) Atomics.compareExchange(cells, at, row + 1, 0)
}

export function shareOf(bound: number): number {
  return Math.max(1, Math.floor(bound * CALLER_SHARE))
}

function beginOf(row: number): number {
  return BUDGETS.length + row * ROW_CELLS
}

function cellOf(budget: Budget, caller: number): number {
  return BUDGET_AT[budget] * CELLS_OF_BUDGET + 1 + caller
}
