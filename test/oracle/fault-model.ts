/**
 * Compares the engine with the oracle: the same seeded operations on both, every answer compared. Exact search must
 * equal brute force. Graph search must return existing points with the right scores, and nothing deleted.
 */
import type { Collection, Database, Hit, QueryOptions } from '../../src/core/database.js'
import { VicinalError } from '../../src/core/errors.js'
import type { Filter } from '../../src/core/filter.js'
import type { CollectionOptions, Distance } from '../../src/core/schema.js'
import type { Random } from './fault-random.js'
import { type CollectionState, difference, pointText, stateOf } from './fault-state.js'
import { IMAGE_SIZE, MAIN, perform, type Step, spelled, TAGS, TEXT_SIZE, Workload } from './fault-workload.js'
import { MemoryDatabase } from './memory-database.js'

export interface ModelOptions {
  ids: number
  /**
   * Metrics of the vectors `image` and `text`. Only metrics that store vectors unchanged allow a bitwise comparison.
   */
  distances: { image: Distance; text: Distance }
}

/** An answer that differs from the oracle's. */
export class ModelMismatch extends Error {
  override readonly name = 'ModelMismatch'
}

const TOLERANCE = 1e-5

export class Model {
  readonly #oracle = new MemoryDatabase()
  readonly #random: Random
  readonly #workload: Workload
  readonly #options: ModelOptions
  #expected!: Collection
  reads = 0
  writes = 0

  constructor(random: Random, options: ModelOptions) {
    this.#random = random
    this.#options = options
    this.#workload = new Workload(random, { firstId: 0, ids: options.ids, owner: 1, flushes: 5 })
  }

  async create(database: Database): Promise<void> {
    const { image, text } = this.#options.distances
    const options: CollectionOptions = {
      vectors: { image: { size: IMAGE_SIZE, distance: image }, text: { size: TEXT_SIZE, distance: text } },
      hnswConfig: { m: 8, efConstruct: 32 },
    }
    await database.createCollection(MAIN, options)
    this.#expected = await this.#oracle.createCollection(MAIN, options)
  }

  /** Runs one operation; about half are reads. A mismatch is reported with all other differences. */
  async operation(database: Database): Promise<void> {
    const main = await database.collection(MAIN)
    try {
      if (this.#random.chance(0.5)) await this.#write(database)
      else await this.#read(main)
    } catch (error) {
      if (!(error instanceof ModelMismatch)) throw error
      const what = difference(await this.#stateOf(main), await this.#stateOf(this.#expected))
      throw new ModelMismatch(`${error.message}\n${what || 'scrolls are equal'}`)
    }
  }

  async bulk(database: Database, count: number): Promise<void> {
    await this.#both(database, this.#workload.bulk(count))
  }

  /** Compares the full state of both. */
  async compareAll(database: Database): Promise<void> {
    await this.#compare(await database.collection(MAIN))
  }

  async #compare(main: Collection): Promise<void> {
    const what = difference(await this.#stateOf(main), await this.#stateOf(this.#expected))
    if (what !== '') throw new ModelMismatch(what)
  }

  async #write(database: Database): Promise<void> {
    this.writes++
    const { field, kind } = this.#random.pick([
      { field: 'tag', kind: 'keyword' },
      { field: 'rank', kind: 'integer' },
    ] as const)
    const chosen = this.#random.below(100)
    if (chosen === 0) await this.#both(database, { kind: 'createIndex', field, index: kind })
    else if (chosen === 1) await this.#both(database, { kind: 'dropIndex', field })
    else await this.#both(database, this.#workload.next())
  }

  async #both(database: Database, step: Step): Promise<void> {
    const [found, expected] = [await outcome(perform(database, step)), await outcome(perform(this.#oracle, step))]
    if (found !== expected) throw new ModelMismatch(`${describe(step)}: expected ${expected}, got ${found}`)
  }

  async #read(main: Collection): Promise<void> {
    this.reads++
    const chosen = this.#random.below(100)
    if (chosen < 25) await this.#retrieve(main)
    else if (chosen < 45) await this.#scroll(main)
    else if (chosen < 60) await this.#count(main)
    else if (chosen < 85) await this.#search(main, true)
    else if (chosen < 99) await this.#search(main, false)
    else await this.#compare(main)
  }

  async #retrieve(main: Collection): Promise<void> {
    const ids = this.#random.distinct(1 + this.#random.below(5), this.#options.ids).map(spelled)
    const found = await main.retrieve(ids, { withVector: true })
    const expected = await this.#expected.retrieve(ids, { withVector: true })
    this.#equal('retrieve', found.map(this.#text), expected.map(this.#text))
  }

  async #scroll(main: Collection): Promise<void> {
    const options = {
      filter: this.#filter(),
      limit: 1 + this.#random.below(20),
      offset: spelled(this.#random.below(this.#options.ids)),
      withVector: true,
    }
    const [found, expected] = [await main.scrollPage(options), await this.#expected.scrollPage(options)]
    this.#equal('scroll', found.points.map(this.#text), expected.points.map(this.#text))
    this.#equal('next offset', [String(found.nextOffset)], [String(expected.nextOffset)])
  }

  async #count(main: Collection): Promise<void> {
    const filter = this.#filter()
    this.#equal(
      `count of ${JSON.stringify(filter)}`,
      [String(await main.count({ filter }))],
      [String(await this.#expected.count({ filter }))],
    )
  }

  async #search(main: Collection, exact: boolean): Promise<void> {
    const using = this.#random.pick(['image', 'text'] as const)
    const size = using === 'image' ? IMAGE_SIZE : TEXT_SIZE
    const query = Float32Array.from({ length: size }, () => this.#random.next() * 2 - 1)
    const options: QueryOptions = {
      query,
      using,
      filter: this.#filter(),
      limit: 1 + this.#random.below(15),
      withVector: true,
    }
    const found = await main.query({ ...options, params: { exact } })
    const all = await this.#expected.query({ ...options, limit: 65_536 })
    const best = exact ? all.slice(0, options.limit) : null
    this.#compareHits(found, new Map(all.map((hit) => [String(hit.id), hit])), best)
  }

  /** Equal scores may come in any order, so ranks are compared by score and hits by id. */
  #compareHits(found: readonly Hit[], all: ReadonlyMap<string, Hit>, best: readonly Hit[] | null): void {
    if (best && best.length !== found.length)
      throw new ModelMismatch(`search: expected ${best.length} hits, got ${found.length}`)
    for (const [rank, hit] of found.entries()) {
      const expected = all.get(String(hit.id))
      if (!expected) throw new ModelMismatch(`search: id ${hit.id} is deleted or does not match the filter`)
      if (!near(hit.score, expected.score))
        throw new ModelMismatch(`search: id ${hit.id}: expected score ${expected.score}, got ${hit.score}`)
      if (best && !near(hit.score, best[rank]!.score)) {
        throw new ModelMismatch(`search: rank ${rank}: expected score ${best[rank]!.score}, got ${hit.score}`)
      }
      this.#equal('search', [this.#text(hit)], [this.#text(expected)])
    }
  }

  #filter(): Filter | null {
    const random = this.#random
    const tag = () => ({ key: 'tag', match: { value: random.pick(TAGS) } })
    const rank = () => ({ key: 'rank', range: { gte: random.below(60), lt: 40 + random.below(60) } })
    const ids = () => ({ hasId: random.distinct(5, this.#options.ids).map(spelled) })
    switch (random.below(8)) {
      case 0:
      case 1:
        return null
      case 2:
        return { must: [tag()] }
      case 3:
        return { must: [rank()], mustNot: [tag()] }
      case 4:
        return { should: [tag(), rank(), ids()] }
      case 5:
        return {
          must: [{ key: 'tag', match: { any: [random.pick(TAGS), random.pick(TAGS)] } }, { hasVector: 'text' }],
        }
      case 6:
        return { mustNot: [{ isEmpty: { key: 'nested.part' } }] }
      default:
        return {
          minShould: {
            conditions: [tag(), rank(), ids()],
            minCount: 2,
          },
        }
    }
  }

  #equal(what: string, found: readonly string[], expected: readonly string[]): void {
    if (found.length === expected.length && found.every((text, i) => text === expected[i])) return
    throw new ModelMismatch(`${what}: expected\n${expected.join('\n')}\ngot\n${found.join('\n')}`)
  }

  async #stateOf(collection: Collection): Promise<CollectionState> {
    return await stateOf(collection, this.#text)
  }

  /** A point in comparable form: bit for bit, or rounded to some decimals if vectors are scaled on input. */
  readonly #text = (point: Parameters<typeof pointText>[0]): string => {
    const rounded = Object.entries((point.vector ?? {}) as Record<string, Float32Array>).map(([name, values]) => {
      const exact = this.#options.distances[name as 'image' | 'text'] !== 'Cosine'
      return [name, exact ? values : Float32Array.from(values, (value) => Math.round(value * 1_000) / 1_000)] as const
    })
    return `${point.id} ${pointText({ ...point, vector: Object.fromEntries(rounded) })}`
  }
}

const near = (a: number, b: number): boolean => Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(a), Math.abs(b))

async function outcome(work: Promise<void>): Promise<string> {
  return await work.then(
    () => 'done',
    (error: unknown) => (error instanceof VicinalError ? error.code : String(error)),
  )
}

const describe = (step: Step): string => JSON.stringify(step).slice(0, 300)
