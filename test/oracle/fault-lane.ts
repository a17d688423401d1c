/**
 * The expected state of a fault test. Work is divided into lanes. Each lane has its own ids (or names) and does one
 * step after the other. Its state after any number of steps is known exactly and does not depend on other lanes. After
 * a fault the lane must be at its last acknowledged step, or one step further if a step had begun.
 *
 * Every step is idempotent: a step that had begun and is not found done is repeated.
 */
import type { Collection, Database } from '../../src/core/database.js'
import { VicinalError } from '../../src/core/errors.js'
import { Random } from './fault-random.js'
import { type CollectionState, difference, stateOf } from './fault-state.js'
import { administrativeStep, MAIN, MAIN_OPTIONS, numberOf, perform, type Step, Workload } from './fault-workload.js'
import { MemoryDatabase } from './memory-database.js'

export interface LaneOptions {
  /** Its ids begin at `number × LANE_IDS`; lane 0 administers collections and indexes instead. */
  number: number
  seed: number
  ids?: number
  flushes?: number
  /** Steps that write many consecutive points instead, so that there is work for segments and compaction. */
  bulk?: { count: number; every: number }
  /** Keeps only the most recently requested states, for runs that never look further back. */
  forgetful?: boolean
}

export const LANE_IDS = 100_000

/** The contents of a database, as all lanes together see it. */
export interface Observed {
  points: CollectionState
  /** Payload indexes and other collections. */
  names: CollectionState
}

export class Lane {
  readonly number: number
  readonly #options: LaneOptions
  readonly #random: Random
  readonly #workload: Workload
  readonly #oracle = new MemoryDatabase()
  readonly #steps: Step[] = []
  /** The state after each number of steps. */
  readonly #states = new Map<number, CollectionState>()
  /** Steps that the oracle has done. */
  #done = -1
  #main: Collection | null = null

  constructor(options: LaneOptions) {
    this.number = options.number
    this.#options = options
    this.#random = new Random(options.seed * 1_009 + options.number)
    const shape = {
      firstId: options.number * LANE_IDS,
      ids: options.ids ?? 200,
      owner: options.number,
      flushes: options.flushes ?? 0,
    }
    this.#workload = new Workload(this.#random, shape)
  }

  /** The step after the first `done` steps. */
  step(done: number): Step {
    while (this.#steps.length <= done) this.#steps.push(this.#make(this.#steps.length))
    return this.#steps[done] as Step
  }

  async stateAfter(done: number): Promise<CollectionState> {
    this.#main ??= await this.#oracle.createCollection(MAIN, MAIN_OPTIONS)
    while (this.#done < done) {
      if (this.#done >= 0) await perform(this.#oracle, this.step(this.#done)).catch(refused)
      this.#done++
      if (!this.#options.forgetful || this.#done === done)
        this.#states.set(this.#done, await this.#stateNow(this.#main))
    }
    if (this.#options.forgetful)
      for (const known of this.#states.keys()) if (known < done - 1) this.#states.delete(known)
    return this.#states.get(done) as CollectionState
  }

  async #stateNow(main: Collection): Promise<CollectionState> {
    if (this.number === 0) return await namesOf(this.#oracle)
    const state = await stateOf(main)
    return this.#options.forgetful ? state : interned(state)
  }

  /** The number of steps done in the observed state, from `acknowledged` to `begun`. Throws if it is neither. */
  async positionIn(observed: Observed, acknowledged: number, begun: number): Promise<number> {
    const found = this.#own(observed)
    for (let done = acknowledged; done <= begun; done++) {
      if (difference(found, await this.stateAfter(done)) === '') return done
    }
    const what = difference(found, await this.stateAfter(acknowledged))
    throw new LaneViolation(`lane ${this.number}: after ${acknowledged} acknowledged and ${begun} begun steps\n${what}`)
  }

  #make(index: number): Step {
    if (this.number === 0) return administrativeStep(this.#random)
    const { bulk } = this.#options
    return bulk && index % bulk.every === 0 ? this.#workload.bulk(bulk.count) : this.#workload.next()
  }

  #own({ points, names }: Observed): CollectionState {
    if (this.number === 0) return names
    const first = this.number * LANE_IDS
    return new Map([...points].filter(([id]) => numberOf(id) >= first && numberOf(id) < first + LANE_IDS))
  }
}

/** A promise is broken: something acknowledged is missing, or something exists that was never written. */
export class LaneViolation extends Error {
  override readonly name = 'LaneViolation'
}

/** The engine refuses what the oracle refuses, and the state stays. */
function refused(error: unknown): void {
  if (!(error instanceof VicinalError) || error.status >= 500) throw error
}

export async function observe(database: Database): Promise<Observed> {
  const main = await database.collection(MAIN)
  return { points: await stateOf(main), names: await namesOf(database) }
}

async function namesOf(database: Database): Promise<CollectionState> {
  const main = await database.collection(MAIN)
  const indexes = Object.entries((await main.info()).payloadSchema).map(
    ([field, { kind }]) => [`index ${field}`, kind] as const,
  )
  const others = (await database.collections())
    .filter((name) => name !== MAIN)
    .map((name) => [name, 'collection'] as const)
  return new Map([...indexes, ...others])
}

const texts = new Map<string, string>()

/** Equal texts of many states share their memory. */
function interned(state: CollectionState): CollectionState {
  return new Map(
    [...state].map(([id, text]) => {
      const known = texts.get(text)
      if (known === undefined) texts.set(text, text)
      return [id, known ?? text]
    }),
  )
}
