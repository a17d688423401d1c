import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { StoreAddress } from '../bucket/address.js'
import { Objects } from '../bucket/objects.js'
import { prepareStore } from '../bucket/prepared-store.js'
import { hasReached, type Watermark, watermarkText } from '../bucket/watermark.js'
import { LIMITS } from '../core/limits.js'
import type { EmbeddedDatabase } from '../engine/database/embedded-database.js'
import { NodeStore, type NodeStoreParts } from '../engine/stores/node-store.js'
import type { Peers } from '../server/peers.js'
import { FirstRole } from './first-role.js'
import { type Heartbeat, Heartbeats, type Role } from './heartbeats.js'
import { OwnBeats } from './own-beats.js'
import { OwnerLink } from './owner-link.js'
import { OwnerWatch, POLLS } from './owner-watch.js'
import { unavailable } from './peer-forwarder.js'
import { TO_HEADER } from './peer-requests.js'
import { PushStreams } from './push-streams.js'
import { QueryNodes, readAfter } from './query-nodes.js'

const MS_PER_SECOND = 1_000
/** How often a node looks at a store that no node has written yet. */
const EMPTY_LOOK_MS = 500
const NO_OWNER = 'the store has no owner yet: start a node with the role write'
const STRANGER =
  'the owner of the store does not know the cluster key of this node, which forwards no writes and is pushed nothing: ' +
  'give all nodes the same VICINAL_CLUSTER_KEY'
/** Looks that a node tells its age in, and that may fail before it counts as behind. */
const LATE_POLLS = 3
/** The next owner removes heartbeats of dead nodes that are older than this. */
const FORGOTTEN_MS = 3_600_000

export interface NodeOptions {
  address: StoreAddress
  cacheFolder: string
  /** Default LIMITS.cacheBytes. */
  cacheBytes?: number
  roles: readonly Role[]
  /** Of the node's cache, and of the store's database, where this node owns it. */
  storeOptions?: NodeStoreParts['options']
  /** Heartbeats of an owner that have not changed for this time have another node take the store. */
  ownerTimeoutMs: number
  /** By which nodes know each other; without any, a node forwards nothing and takes nothing over. */
  keys: readonly string[]
  log(line: string): void
}

/**
 * One of the nodes of a store: tells of itself, watches the owner, takes the store from an owner that is silent, and
 * forwards what only the owner can do.
 */
export class ClusterNode implements Peers {
  readonly #id = randomUUID()
  readonly #options: NodeOptions
  readonly #pollMs: number
  readonly #watch: OwnerWatch
  #url = ''
  #store: NodeStore | null = null
  #heartbeats: Heartbeats | null = null
  #database: EmbeddedDatabase | null = null
  readonly #link: OwnerLink
  readonly #readers: QueryNodes
  readonly #pushes: PushStreams
  #beats: OwnBeats | null = null
  /** All heartbeats as they were last listed. */
  #listed: { atMs: number; beats: Listed } | null = null
  #listing: Promise<Listed> | null = null
  /** How far this node had read or written at its last look. */
  #applied: Watermark = { epoch: 0, batch: 0 }
  /** When this node last had all that the owner told of. */
  #levelAtMs: number | null = null
  #timer: NodeJS.Timeout | null = null
  #ticking: Promise<void> = Promise.resolve()
  #isStopped = false
  #isGivenUp = false
  #isWithoutOwner = false
  /** The owner has another cluster key. */
  #isStranger = false

  constructor(options: NodeOptions) {
    this.#options = options
    this.#pollMs = Math.ceil(options.ownerTimeoutMs / POLLS)
    this.#pushes = new PushStreams(this.#pollMs)
    this.#readers = new QueryNodes(options.keys[0] ?? '', this.#pollMs * LATE_POLLS)
    this.#link = new OwnerLink({
      id: this.#id,
      key: options.keys[0] ?? '',
      silenceMs: this.#pollMs * LATE_POLLS,
      reach: async (watermark, collections) =>
        await this.#database?.watermarks.reach(watermark, { timeoutMs: LIMITS.timeoutMs }, collections),
      onKey: (isKnown) => this.#noteKey(isKnown),
      onFailure: () => void this.#lookWhoOwns().catch(() => undefined),
    })
    this.#watch = new OwnerWatch(this.#id, options.ownerTimeoutMs)
  }

  get #mayWrite(): boolean {
    return this.#options.roles.includes('write')
  }

  /** Opens the store: as its owner, or as a reader where another node owns it. `url` is where other nodes reach this one. */
  async start(url: string, open: (store: NodeStore) => Promise<EmbeddedDatabase>): Promise<EmbeddedDatabase> {
    const { address, cacheFolder, cacheBytes, log } = this.#options
    this.#url = url
    // The store is checked now: at a takeover there is no time for it, and its owner works with it.
    const { objects, isNew } = this.#mayWrite
      ? await prepareStore(address)
      : { objects: await Objects.open(address), isNew: false }
    const heartbeats = new Heartbeats(objects)
    this.#heartbeats = heartbeats
    const store = new NodeStore({
      address,
      cacheFolder,
      cacheBytes,
      owner: { node: this.#id, url },
      options: this.#options.storeOptions ?? {},
      onBatch: (batch) => this.#pushes.send(batch),
      onOwned: (epoch) => this.#announce(epoch, heartbeats),
      onLost: ({ message }) => {
        log(`this node does not own the store any more, and reads it: ${message}`)
        this.#pushes.endAll()
        this.#hurry()
      },
    })
    this.#store = store
    try {
      const first = new FirstRole(store, objects, {
        url,
        lookMs: Math.min(this.#pollMs, EMPTY_LOOK_MS),
        isGivenUp: () => this.#isGivenUp,
        onWaiting: (isWaiting) => this.#noteWaiting(isWaiting),
        hasRivals: () => this.#hasRivals(),
      })
      if (!this.#mayWrite) await first.read()
      this.#beats = new OwnBeats(heartbeats, this.#pollMs, () => this.#report())
      this.#beats.start()
      if (this.#mayWrite && this.keys.length === 0) await store.startOwning()
      else if (this.#mayWrite) await first.ownOrRead(isNew, this.#options.ownerTimeoutMs)
      this.#database = await open(store)
    } catch (error) {
      await this.#beats?.stop()
      await store.stop().catch(() => undefined)
      await store.close().catch(() => undefined)
      throw error
    }
    await this.#tick().catch(() => undefined)
    this.#arm()
    return this.#database
  }

  /** The service stops: a start that waits for an owner ends. */
  giveUp(): void {
    this.#isGivenUp = true
  }

  /** Other nodes know of a new owner before its collections move, however long that takes. */
  async #announce(epoch: number, heartbeats: Heartbeats): Promise<void> {
    const announced = Promise.all([this.#beats?.now(), heartbeats.tellOwner(epoch)]).catch(() => undefined)
    await Promise.race([announced, sleep(this.#pollMs, undefined, { ref: false })])
  }

  #noteKey(isKnown: boolean): void {
    if (this.#isStranger === isKnown)
      this.#options.log(isKnown ? 'the owner of the store knows the cluster key of this node now' : STRANGER)
    this.#isStranger = !isKnown
  }

  #noteWaiting(isWaiting: boolean): void {
    if (isWaiting && !this.#isWithoutOwner) this.#options.log(`${NO_OWNER}; this node waits for it`)
    this.#isWithoutOwner = isWaiting
  }

  /** Of two nodes that ask at the same time, at least one sees the other. */
  async #hasRivals(): Promise<boolean> {
    await this.#beats?.now()
    return (await this.#listAll()).some(({ id, roles }) => id !== this.#id && roles.includes('write'))
  }

  /** Watches no more. The database is closed by its opener, between this and `leave`. */
  async stop(): Promise<void> {
    this.#isStopped = true
    if (this.#timer) clearTimeout(this.#timer)
    await this.#ticking
    await this.#beats?.stop()
    this.#link.close()
    this.#readers.close()
    this.#pushes.endAll()
  }

  /** Another node need not wait for this one any more. */
  async leave(): Promise<void> {
    await this.#heartbeats?.remove(this.#id).catch(() => undefined)
  }

  #arm(): void {
    if (this.#isStopped) return
    this.#timer = setTimeout(() => this.#hurry(), this.#pollMs).unref()
  }

  /** Looks now. */
  #hurry(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#ticking = this.#ticking
      // A store that cannot be reached is asked again: its owner may be as far from it as this node.
      .then(() => (this.#isStopped ? undefined : this.#tick()))
      .catch(({ message }: Error) => this.#options.log(`the store's nodes: ${message}`))
      .then(() => {
        if (this.#timer === null) this.#arm()
      })
  }

  async #tick(): Promise<void> {
    const { store, heartbeats } = this.#opened()
    if (store.isLost) await store.read()
    await store.settle()
    if (store.epoch === null) await this.#lookAtOwner(store, heartbeats)
    else await this.#lookForSuccessor(store, heartbeats)
    if (this.readsElsewhere) this.#readers.note(await this.#listAll())
  }

  #opened(): { store: NodeStore; heartbeats: Heartbeats } {
    return { store: this.#store as NodeStore, heartbeats: this.#heartbeats as Heartbeats }
  }

  async #lookForSuccessor(store: NodeStore, heartbeats: Heartbeats): Promise<void> {
    const epoch = store.epoch as number
    this.#applied = await store.progress.applied()
    this.#levelAtMs = performance.now()
    if (this.#link.owner?.epoch !== epoch) {
      this.#link.set({ epoch, node: this.#id, url: this.#url })
      await heartbeats.tellOwner(epoch)
      for (const { id, ageMs } of await this.#listAll()) if (ageMs > FORGOTTEN_MS) await heartbeats.remove(id)
    }
    // The write finds out; a failure changes the role.
    if ((await heartbeats.toldEpoch()) > epoch) await store.touch().catch(() => undefined)
  }

  async #lookAtOwner(store: NodeStore, heartbeats: Heartbeats): Promise<void> {
    const owner = await store.owner()
    this.#link.set(owner)
    if (store.pushed && !this.#isStopped) this.#link.receive(store.pushed)
    // An owner that is silent is followed by one that has to be seen soon.
    if (this.#watch.isWaiting) await store.progress.position(true)
    this.#applied = await store.progress.applied()
    if (owner === null) return
    const beat = owner.node === null ? null : await heartbeats.read(owner.node)
    if (beat === null || hasReached(this.#applied, beat.watermark)) this.#levelAtMs = performance.now()
    this.#watch.note(owner, beat)
    if (!this.#mayWrite) return
    const isMine = owner.node === this.#id
    if (this.keys.length === 0 && !isMine) return
    if (this.#watch.isWaiting) this.#watch.noteOthers(await this.#listAll())
    if (isMine || this.#watch.isDue(owner)) await this.#take(store, heartbeats)
  }

  async #take(store: NodeStore, heartbeats: Heartbeats): Promise<void> {
    this.#options.log('the owner of the store is silent: this node takes it')
    await store.own()
    await this.#lookForSuccessor(store, heartbeats)
  }

  /** Between two looks: asks the store's database alone, which is in memory. */
  async #lookWhoOwns(): Promise<void> {
    const { store } = this.#opened()
    if (store.epoch === null && !store.isLost) this.#link.set(await store.owner())
  }

  #report(): Omit<Heartbeat, 'beat'> {
    return {
      id: this.#id,
      url: this.#url,
      roles: this.#options.roles,
      epoch: this.#store?.ownedEpoch ?? null,
      watermark: this.#applied,
      lagSeconds: this.#lagSeconds,
    }
  }

  async #listAll(): Promise<Listed> {
    this.#listing ??= this.#opened()
      .heartbeats.list()
      .finally(() => {
        this.#listing = null
      })
    const beats = await this.#listing
    this.#listed = { atMs: performance.now(), beats }
    return beats
  }

  /** At most one listing for each look, however many callers ask. */
  async #lastListed(): Promise<Listed> {
    const last = this.#listed
    if (last && performance.now() - last.atMs < this.#pollMs) return last.beats
    return await this.#listAll().catch((error: unknown) => {
      if (last) return last.beats
      throw error
    })
  }

  get #lagSeconds(): number {
    if (this.#store?.epoch != null) return 0
    const lateMs = performance.now() - (this.#levelAtMs ?? 0)
    return lateMs <= this.#pollMs * LATE_POLLS ? 0 : Math.round(lateMs / MS_PER_SECOND)
  }

  // As the service sees it

  get keys(): readonly string[] {
    return this.#options.keys
  }

  get isOwner(): boolean {
    return this.#store?.epoch != null
  }

  get waitsFor(): string | null {
    return this.#isWithoutOwner ? NO_OWNER : null
  }

  get behind(): string | null {
    const exhausted = this.#store?.exhausted ?? null
    if (exhausted !== null) return `This node does not follow the owner of the store: ${exhausted}`
    if (this.#isStranger && !this.isOwner) return `Service unavailable: ${STRANGER}`
    if (this.#lagSeconds === 0 && this.#levelAtMs !== null) return null
    return this.#levelAtMs === null
      ? 'Service is starting: this node has not read what the owner of the store has'
      : `This node is ${this.#lagSeconds} s behind the owner of the store`
  }

  forward(request: FastifyRequest, reply: FastifyReply, refuse: (error: Error) => void): void {
    this.#link.forwarder().forward(request, reply, refuse)
  }

  get readsElsewhere(): boolean {
    return !this.#options.roles.includes('query')
  }

  /** The answer has at least what this node has acknowledged. */
  async forwardRead(request: FastifyRequest, reply: FastifyReply, refuse: (error: Error) => void): Promise<void> {
    const watermark = watermarkText(await this.#opened().store.progress.position())
    this.#readers.forward(request, reply, refuse, readAfter(request.raw.url as string, watermark))
  }

  push(): (response: ServerResponse) => void {
    if (this.#pushes.isFull) throw unavailable('too many nodes read what this one pushes')
    return (response) => {
      const position = this.#store?.ownedPosition
      if (position) this.#pushes.open(response, position)
      else response.destroy()
    }
  }

  endPushes(): void {
    this.#pushes.endAll()
  }

  checkReceived(headers: IncomingHttpHeaders, isRead: boolean): void {
    if (headers[TO_HEADER] !== this.#id) throw unavailable('this is not the node that the request is for')
    if (!isRead && !this.isOwner) throw unavailable('this node does not own the store')
  }

  async describe(): Promise<object> {
    if (this.#heartbeats === null) return { owner: null, nodes: [] }
    const goneMs = this.#options.ownerTimeoutMs * LATE_POLLS
    const beats = (await this.#lastListed()).filter(({ id, ageMs }) => id === this.#id || ageMs <= goneMs)
    const lateMs = this.#pollMs * LATE_POLLS
    const nodes = beats.map(({ id, url, roles, lagSeconds, ageMs }) => ({
      id,
      url,
      roles,
      // A node that is silent reads nothing, whatever it told last.
      lag_seconds:
        id === this.#id
          ? this.#lagSeconds
          : Math.max(lagSeconds, ageMs > lateMs ? Math.round(ageMs / MS_PER_SECOND) : 0),
    }))
    return { owner: this.#link.owner?.node ?? null, nodes: nodes.sort((a, b) => (a.id < b.id ? -1 : 1)) }
  }
}

type Listed = Awaited<ReturnType<Heartbeats['list']>>
