/**
 * Seeded work for the fault tests: steps on one collection with two named vectors, all with deterministic effects.
 * Metrics store vectors unchanged, so that states can be compared bit for bit.
 */
import type { Collection, Database, UpdateCondition, WriteOperation, WriteOptions } from '../../src/core/database.js'
import type { Filter } from '../../src/core/filter.js'
import type { PayloadIndexKind } from '../../src/core/payload-index.js'
import type { Payload, Point, PointId } from '../../src/core/point.js'
import type { CollectionOptions } from '../../src/core/schema.js'
import type { Random } from './fault-random.js'

export const MAIN = 'main'
export const IMAGE_SIZE = 8
export const TEXT_SIZE = 4
export const MAIN_OPTIONS: CollectionOptions = {
  vectors: { image: { size: IMAGE_SIZE, distance: 'Dot' }, text: { size: TEXT_SIZE, distance: 'Euclid' } },
  hnswConfig: { m: 8, efConstruct: 32 },
}
const SIDE_OPTIONS: CollectionOptions = { vectors: { size: 4, distance: 'Cosine' } }

export const TAGS = ['red', 'green', 'blue', 'grey'] as const
const INDEXES: readonly [string, PayloadIndexKind][] = [
  ['tag', 'keyword'],
  ['rank', 'integer'],
]

export type Step =
  | { kind: 'write'; operation: WriteOperation }
  | { kind: 'createIndex'; field: string; index: PayloadIndexKind }
  | { kind: 'dropIndex'; field: string }
  | { kind: 'createSide'; name: string }
  | { kind: 'dropSide'; name: string }
  | { kind: 'flush' }

export interface WorkloadShape {
  /** The first id, and the number of ids. */
  firstId: number
  ids: number
  /** Every point carries it, and every payload filter requires it. */
  owner: number
  /** How many of 1,000 steps are a flush. */
  flushes: number
}

/** Every third id is a UUID. */
export function spelled(number: number): PointId {
  return number % 3 === 0 ? `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}` : number
}

/** The number behind an id from `spelled`. */
export function numberOf(id: string): number {
  return id.includes('-') ? Number.parseInt(id.slice(-12), 16) : Number(id)
}

/** Creates and drops payload indexes and other collections. */
export function administrativeStep(random: Random): Step {
  if (random.chance(0.5))
    return { kind: random.chance(0.6) ? 'createSide' : 'dropSide', name: `side-${random.below(3)}` }
  const [field, index] = random.pick(INDEXES)
  return random.chance(0.6) ? { kind: 'createIndex', field, index } : { kind: 'dropIndex', field }
}

export class Workload {
  readonly #random: Random
  readonly #shape: WorkloadShape
  readonly #firstId: number

  constructor(random: Random, shape: WorkloadShape) {
    this.#random = random
    this.#shape = shape
    this.#firstId = shape.firstId
  }

  next(): Step {
    if (this.#random.below(1_000) < this.#shape.flushes) return { kind: 'flush' }
    return { kind: 'write', operation: this.#operation() }
  }

  /** The given number of whole points with consecutive ids, enough to be worth a segment. */
  bulk(count: number): Step {
    const points = Array.from({ length: count }, (_, i) => this.#point(this.#firstId + i))
    return { kind: 'write', operation: { op: 'upsert', points } }
  }

  #operation(): WriteOperation {
    const chosen = this.#random.below(100)
    if (chosen < 30) return { op: 'upsert', points: [this.#point(this.#number())] }
    if (chosen < 50) {
      const points = this.#numbers(2 + this.#random.below(15)).map((id) => this.#point(id))
      return { op: 'upsert', points, ...this.#condition() }
    }
    if (chosen < 60) return { op: 'delete', which: this.#ids(1 + this.#random.below(4)) }
    if (chosen < 65) return { op: 'delete', which: this.#some(0.2) }
    if (chosen < 75) return { op: 'setPayload', payload: { rank: this.#random.below(100) }, which: this.#some(0.7) }
    if (chosen < 79)
      return { op: 'setPayload', payload: { deep: this.#random.below(9) }, key: 'nested.part', which: this.#some(0.7) }
    if (chosen < 83) return { op: 'overwritePayload', payload: this.#payload(), which: this.#some(0.7) }
    if (chosen < 86) return { op: 'deletePayload', keys: ['rank', 'nested'], which: this.#some(0.7) }
    // A cleared payload has no owner, so filters no longer reach it; ids do.
    if (chosen < 88) return { op: 'clearPayload', which: this.#hasIds() }
    if (chosen < 96)
      return {
        op: 'updateVectors',
        points: [{ id: spelled(this.#number()), vector: { text: this.#vector(TEXT_SIZE) } }],
        ...(this.#random.chance(0.3) ? { updateFilter: this.#half() } : {}),
      }
    return { op: 'deleteVectors', names: ['text'], which: this.#some(0.5) }
  }

  #condition(): UpdateCondition {
    const updateMode = this.#random.pick(['upsert', 'upsert', 'insert_only', 'update_only'] as const)
    return this.#random.chance(0.3) ? { updateMode, updateFilter: this.#half() } : { updateMode }
  }

  /** A filter that about half of the points match. */
  #half(): Filter {
    return { must: [{ key: 'rank', range: { lt: 50 } }] }
  }

  #point(id: number): Point {
    const image = this.#vector(IMAGE_SIZE)
    const vector = this.#random.chance(0.7) ? { image, text: this.#vector(TEXT_SIZE) } : { image }
    return { id: spelled(id), vector, payload: this.#random.chance(0.95) ? this.#payload() : null }
  }

  #payload(): Payload {
    return {
      owner: this.#shape.owner,
      tag: this.#random.pick(TAGS),
      rank: this.#random.below(100),
      note: 'x'.repeat(this.#random.below(60)),
    }
  }

  #vector(size: number): number[] {
    return Array.from({ length: size }, () => Math.fround(this.#random.next() * 2 - 1))
  }

  #number(): number {
    return this.#firstId + this.#random.below(this.#shape.ids)
  }

  #numbers(count: number): number[] {
    return this.#random.distinct(count, this.#shape.ids).map((number) => this.#firstId + number)
  }

  #ids(count: number): PointId[] {
    return this.#numbers(count).map(spelled)
  }

  /** By filter with some probability, else by a few ids. */
  #some(byTag: number): { filter: Filter } {
    return this.#random.chance(byTag) && this.#random.chance(0.3) ? this.#tagged() : this.#hasIds()
  }

  #tagged(): { filter: Filter } {
    const owned = { key: 'owner', match: { value: this.#shape.owner } }
    const tag = { key: 'tag', match: { value: this.#random.pick(TAGS) } }
    return { filter: { must: [owned, tag, { key: 'rank', range: { lt: this.#random.below(40) } }] } }
  }

  #hasIds(): { filter: Filter } {
    return { filter: { must: [{ hasId: this.#ids(1 + this.#random.below(5)) }] } }
  }
}

/** Runs a step on any Database: the engine, a service, or the oracle. */
export async function perform(database: Database, step: Step, options?: WriteOptions): Promise<void> {
  if (step.kind === 'createSide') await database.createCollection(step.name, SIDE_OPTIONS)
  else if (step.kind === 'dropSide') await database.deleteCollection(step.name)
  else {
    const main = await database.collection(MAIN)
    if (step.kind === 'flush') await main.flush()
    else if (step.kind === 'createIndex') await main.createPayloadIndex(step.field, step.index)
    else if (step.kind === 'dropIndex') await main.deletePayloadIndex(step.field)
    else await write(main, step.operation, options)
  }
}

export async function write(collection: Collection, operation: WriteOperation, options?: WriteOptions): Promise<void> {
  switch (operation.op) {
    case 'upsert':
      await collection.upsert(operation.points, { ...options, ...conditionIn(operation) })
      break
    case 'updateVectors':
      await collection.updateVectors(operation.points, { ...options, ...conditionIn(operation) })
      break
    case 'deleteVectors':
      await collection.deleteVectors(operation.names, operation.which, options)
      break
    case 'delete':
      await collection.delete(operation.which, options)
      break
    case 'setPayload':
    case 'overwritePayload':
      await collection[operation.op](operation.payload, operation.which, {
        ...options,
        ...(operation.key === undefined ? {} : { key: operation.key }),
      })
      break
    case 'deletePayload':
      await collection.deletePayload(operation.keys, operation.which, options)
      break
    case 'clearPayload':
      await collection.clearPayload(operation.which, options)
      break
  }
}

function conditionIn({ updateFilter, updateMode }: UpdateCondition): UpdateCondition {
  return {
    ...(updateFilter === undefined ? {} : { updateFilter }),
    ...(updateMode === undefined ? {} : { updateMode }),
  }
}
