import type { AliasAction, AliasDescription } from '../core/aliases.js'
import { CallOptions } from '../core/call-options.js'
import type { Collection, Database } from '../core/database.js'
import { notFound } from '../core/errors.js'
import { givenIfAny } from '../core/given-options.js'
import { checkCollectionName } from '../core/names.js'
import type { Payload } from '../core/point.js'
import { QuotaConfig, type QuotaStatus } from '../core/quotas.js'
import { CollectionOptions } from '../core/schema.js'
import type { RecoverOptions, SnapshotSource } from '../core/snapshots.js'
import type { Untyped } from '../core/untyped.js'
import { read } from '../core/vocabulary/reader.js'
import { tell } from '../core/vocabulary/teller.js'
import { encodeRequest } from '../wire/msgpack-request.js'
import { quotasOfWire } from '../wire/quotas.js'
import { aliasActionsBody, aliasesOf } from './answers.js'
import { RemoteCollection } from './remote-collection.js'
import { RemoteSnapshots } from './remote-snapshots.js'
import type { Transport } from './transport.js'

/** The database of a service. */
export class RemoteDatabase implements Database {
  readonly #transport: Transport
  readonly #maxBodyBytes: number
  readonly snapshots: RemoteSnapshots

  constructor(transport: Transport, maxBodyBytes: number) {
    this.#transport = transport
    this.#maxBodyBytes = maxBodyBytes
    this.snapshots = new RemoteSnapshots(transport, '/snapshots')
  }

  async createCollection<P = Payload>(
    name: string,
    options: CollectionOptions,
    call?: CallOptions,
  ): Promise<Collection<P>> {
    const told = givenIfAny(CallOptions, call)
    const body = encodeRequest(tell(CollectionOptions, read(CollectionOptions, options, 'library')))
    // A repeated request after a lost answer would find the collection that the first one created.
    await this.#transport.send({ method: 'PUT', path: pathOf(name), body, call: told, isIdempotent: false })
    return this.#handle<P>(name)
  }

  async ensureCollection<P = Payload>(
    name: string,
    options: CollectionOptions,
    call?: CallOptions,
  ): Promise<Collection<P>> {
    const told = givenIfAny(CallOptions, call)
    const body = encodeRequest(tell(CollectionOptions, read(CollectionOptions, options, 'library')))
    await this.#transport.send({ method: 'PUT', path: `${pathOf(name)}?ensure=true`, body, call: told })
    return await this.collection<P>(name)
  }

  async collection<P = Payload>(name: string): Promise<Collection<P>> {
    const found = await this.#exists(name)
    if (!found.exists) throw notFound('collection', name)
    return this.#handle<P>(found.name ?? name)
  }

  async collections(call?: CallOptions): Promise<string[]> {
    const told = givenIfAny(CallOptions, call)
    const result = await this.#transport.send({ method: 'GET', path: '/collections', call: told })
    return (result as { collections: { name: string }[] }).collections.map(({ name }) => name)
  }

  async hasCollection(name: string, call?: CallOptions): Promise<boolean> {
    return (await this.#exists(name, call)).exists
  }

  /** `name` is the collection's own name if the request used an alias. */
  async #exists(name: string, call?: CallOptions): Promise<{ exists: boolean; name?: string }> {
    const told = givenIfAny(CallOptions, call)
    const result = await this.#transport.send({ method: 'GET', path: `${pathOf(name)}/exists`, call: told })
    return result as { exists: boolean; name?: string }
  }

  async updateAliases(actions: readonly AliasAction[], call?: CallOptions): Promise<void> {
    const told = givenIfAny(CallOptions, call)
    const body = encodeRequest(aliasActionsBody(actions))
    // A repeated renaming after a lost answer would not find the older name.
    await this.#transport.send({ method: 'POST', path: '/collections/aliases', body, call: told, isIdempotent: false })
  }

  async aliases(call?: CallOptions): Promise<AliasDescription[]> {
    const told = givenIfAny(CallOptions, call)
    return aliasesOf(await this.#transport.send({ method: 'GET', path: '/aliases', call: told }))
  }

  async deleteCollection(name: string, call?: CallOptions): Promise<boolean> {
    const told = givenIfAny(CallOptions, call)
    return (await this.#transport.send({ method: 'DELETE', path: pathOf(name), call: told })) as boolean
  }

  async quotas(call?: CallOptions): Promise<QuotaStatus> {
    const told = givenIfAny(CallOptions, call)
    return quotasOfWire(await this.#transport.send({ method: 'GET', path: '/quotas', call: told }))
  }

  async updateQuotas(config: QuotaConfig, call?: CallOptions): Promise<void> {
    const told = givenIfAny(CallOptions, call)
    const quotas = read(QuotaConfig, config, 'library', 'config')
    await this.#transport.send({
      method: 'PUT',
      path: '/quotas',
      body: encodeRequest(tell(QuotaConfig, quotas)),
      call: told,
    })
  }

  async recoverCollection<P = Payload>(
    name: string,
    source: SnapshotSource,
    options?: RecoverOptions,
  ): Promise<Collection<P>> {
    await new RemoteSnapshots(this.#transport, `${pathOf(name)}/snapshots`).recover(source, options)
    return await this.collection<P>(name)
  }

  async recover(source: SnapshotSource, options?: RecoverOptions): Promise<string[]> {
    await this.snapshots.recover(source, options)
    return await this.collections()
  }

  async close(): Promise<void> {
    this.#transport.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #handle<P>(name: string): Collection<P> {
    return new RemoteCollection<P>(name, this.#transport, this.#maxBodyBytes) as Untyped<Collection<P>> as Collection<P>
  }
}

/** Checks the name before it becomes part of a path, where `..` would have a meaning. */
function pathOf(name: string): string {
  return `/collections/${encodeURIComponent(checkCollectionName(name))}`
}
