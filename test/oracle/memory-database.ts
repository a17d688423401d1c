/**
 * The Database interface in its plainest form: maps and brute force. It answers what the engine has to answer,
 * shares no code with it, and so serves as the oracle of model tests and as a backend for tests of the service.
 */
import type { CallOptions, Collection, Database } from '../../src/core/database.js'
import { invalid, notFound, VicinalError } from '../../src/core/errors.js'
import { checkCollectionName } from '../../src/core/names.js'
import type { Payload } from '../../src/core/point.js'
import {
  type CollectionConfig,
  type CollectionOptions,
  DEFAULT_HNSW,
  DISTANCES,
  type HnswConfig,
  type VectorParams,
} from '../../src/core/schema.js'
import { MemoryCollection } from './memory-collection.js'

export class MemoryDatabase implements Database {
  readonly #collections = new Map<string, MemoryCollection>()
  #closed = false

  async createCollection<P = Payload>(
    name: string,
    options: CollectionOptions,
    call?: CallOptions,
  ): Promise<Collection<P>> {
    this.#check(call)
    checkCollectionName(name)
    const config = configOf(options)
    if (this.#collections.has(name)) {
      throw new VicinalError('ALREADY_EXISTS', `Wrong input: Collection \`${name}\` already exists!`)
    }
    const collection = new MemoryCollection(name, config)
    this.#collections.set(name, collection)
    return collection as unknown as Collection<P>
  }

  async collection<P = Payload>(name: string): Promise<Collection<P>> {
    this.#check()
    checkCollectionName(name)
    const collection = this.#collections.get(name)
    if (!collection) throw notFound('collection', name)
    return collection as unknown as Collection<P>
  }

  async collections(call?: CallOptions): Promise<string[]> {
    this.#check(call)
    return [...this.#collections.keys()].sort()
  }

  async hasCollection(name: string, call?: CallOptions): Promise<boolean> {
    this.#check(call)
    checkCollectionName(name)
    return this.#collections.has(name)
  }

  async deleteCollection(name: string, call?: CallOptions): Promise<boolean> {
    this.#check(call)
    checkCollectionName(name)
    return this.#collections.delete(name)
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  #check(call?: CallOptions): void {
    if (this.#closed) throw new VicinalError('CLOSED', 'The database is closed')
    if (call?.signal?.aborted) throw new VicinalError('CANCELLED', 'The call was cancelled')
  }
}

function configOf({ vectors, hnswConfig }: CollectionOptions): CollectionConfig {
  const defaults: HnswConfig = { ...DEFAULT_HNSW, ...hnswConfig }
  const named = 'size' in vectors && typeof vectors.size !== 'object' ? { '': vectors as VectorParams } : vectors
  return {
    hnswConfig: defaults,
    vectors: Object.entries(named as Record<string, VectorParams>).map(([name, params]) => {
      const field = name === '' ? 'vectors' : `vectors.${name}`
      const { size, distance } = params
      if (!Number.isInteger(size) || size < 1 || size > 65_536) {
        throw invalid(`${field}.size`, 'expected an integer from 1 to 65536', size)
      }
      if (!DISTANCES.includes(distance)) {
        throw invalid(`${field}.distance`, `expected one of ${DISTANCES.join(', ')}`, distance)
      }
      const hnsw = { ...defaults, ...params.hnswConfig }
      return { name, size, distance, m: hnsw.m, efConstruct: hnsw.efConstruct, onDisk: params.onDisk ?? false }
    }),
  }
}
