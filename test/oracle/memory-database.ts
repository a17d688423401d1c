/**
 * The simplest implementation of the Database interface: maps and brute force. It must answer like the engine. It
 * shares no code with the engine except the meaning of a configuration, which no answer depends on. So it serves as the
 * oracle of model tests and as a backend for tests of the service.
 */

import type { AliasAction, AliasDescription } from '../../src/core/aliases.js'
import type { CallOptions, Collection, Database } from '../../src/core/database.js'
import { invalid, notFound, VicinalError } from '../../src/core/errors.js'
import { innerOf } from '../../src/core/inner-call.js'
import { checkCollectionName } from '../../src/core/names.js'
import type { Payload } from '../../src/core/point.js'
import { QuotaConfig, type QuotaStatus } from '../../src/core/quotas.js'
import type { CollectionOptions } from '../../src/core/schema.js'
import { read } from '../../src/core/vocabulary/reader.js'
import { changeAliases } from '../../src/engine/catalogue/alias-book.js'
import { resolveConfig } from '../../src/engine/config/schema.js'
import { EnsuringDatabase } from '../../src/engine/database/ensuring-database.js'
import { MemoryCollection } from './memory-collection.js'
import { noSnapshots, withoutFolder } from './memory-snapshots.js'

export class MemoryDatabase extends EnsuringDatabase implements Database {
  readonly #collections = new Map<string, MemoryCollection>()
  #quotas: QuotaConfig = {}
  #aliases = new Map<string, string>()
  readonly snapshots = noSnapshots
  #closed = false

  async createCollection<P = Payload>(
    name: string,
    options: CollectionOptions,
    call?: CallOptions,
  ): Promise<Collection<P>> {
    this.#check(call)
    checkCollectionName(name)
    const config = resolveConfig(options)
    if (this.#collections.has(name)) {
      throw new VicinalError('ALREADY_EXISTS', `Wrong input: Collection \`${name}\` already exists!`)
    }
    if (this.#aliases.has(name)) {
      throw invalid('collection_name', `Can't create collection with name ${name}. Alias with the same name`)
    }
    const collection = new MemoryCollection(
      name,
      config,
      () => this.#aliasesOf(name),
      (other) => this.#find(other),
    )
    this.#collections.set(name, collection)
    return collection as unknown as Collection<P>
  }

  async collection<P = Payload>(name: string): Promise<Collection<P>> {
    this.#check()
    checkCollectionName(name)
    return this.#find(name) as unknown as Collection<P>
  }

  #find(name: string): MemoryCollection {
    const collection = this.#collections.get(this.#aliases.get(name) ?? name)
    if (!collection) throw notFound('collection', name)
    return collection
  }

  async collections(call?: CallOptions): Promise<string[]> {
    this.#check(call)
    return [...this.#collections.keys()].sort()
  }

  async hasCollection(name: string, call?: CallOptions): Promise<boolean> {
    this.#check(call)
    checkCollectionName(name)
    return this.#collections.has(this.#aliases.get(name) ?? name)
  }

  async deleteCollection(name: string, call?: CallOptions): Promise<boolean> {
    this.#check(call)
    checkCollectionName(name)
    this.#aliases = new Map([...this.#aliases].filter(([, collection]) => collection !== name))
    return this.#collections.delete(name)
  }

  async updateAliases(actions: readonly AliasAction[], call?: CallOptions): Promise<void> {
    this.#check(call)
    this.#aliases = changeAliases(this.#aliases, actions, (name) => this.#collections.has(name))
  }

  async aliases(call?: CallOptions): Promise<AliasDescription[]> {
    this.#check(call)
    return [...this.#aliases.keys()].sort().map((aliasName) => {
      return { aliasName, collectionName: this.#aliases.get(aliasName) as string }
    })
  }

  #aliasesOf(name: string): string[] {
    return [...this.#aliases.keys()].filter((alias) => this.#aliases.get(alias) === name).sort()
  }

  async quotas(): Promise<QuotaStatus> {
    const { enabled = false } = this.#quotas
    return {
      config: { ...this.#quotas, enabled },
      usage: { residentMemoryPercent: 0, diskUsagePercent: null },
      exceeded: false,
    }
  }

  async updateQuotas(config: QuotaConfig): Promise<void> {
    this.#quotas = read(QuotaConfig, config, 'library', 'config')
  }

  async recoverCollection(): Promise<never> {
    throw withoutFolder()
  }

  async recover(): Promise<never> {
    throw withoutFolder()
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  #check(call?: CallOptions): void {
    if (this.#closed) throw new VicinalError('CLOSED', 'The database is closed')
    if (call?.signal?.aborted || innerOf(call)?.stop?.isStopped)
      throw new VicinalError('CANCELLED', 'The call was cancelled')
  }
}
