import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Objects } from '../bucket/objects.js'
import { prepareStore } from '../bucket/prepared-store.js'
import { hasReached, type Watermark, watermarkText } from '../bucket/watermark.js'
import { LIMITS } from '../core/limits.js'
import type { EmbeddedDatabase } from '../engine/database/embedded-database.js'
import { NodeStore } from '../engine/stores/node-store.js'
import type { Peers } from '../server/peers.js'
import { FirstRole } from './first-role.js'
import { type Heartbeat, Heartbeats } from './heartbeats.js'
import { describedNodes, ListedBeats } from './listed-beats.js'
import type { NodeOptions } from './node-options.js'
import { IDLE_LOOKS, OwnBeats } from './own-beats.js'
import { OwnerLink } from './owner-link.js'
import { OwnerWatch, POLLS } from './owner-watch.js'
import { unavailable } from './peer-forwarder.js'
import { TO_HEADER } from './peer-requests.js'
import { PushStreams } from './push-streams.js'
import { QueryNodes, readAfter } from './query-nodes.js'
import { Takeover } from './takeover.js'

const MS_PER_SECOND = 1_000
/** How often a node looks at a store that no node has written yet. */
const EMPTY_LOOK_MS = 500
const NO_OWNER = 'the store has no owner yet: start a node with the role write'
const STRANGER =
  'the owner of the store does not know the cluster key of this node, which forwards no writes and is pushed nothing: ' +
  'give all nodes the same VICINAL_CLUSTER_KEY'
/** Looks that may fail before a node counts as behind. */
const LATE_POLLS = 3
/** An owner that was heard within so many looks is alive. */
const HEARD_POLLS = 1.5
/** A node whose heartbeat is older than so many of its usual pauses is gone. */
const GONE_BEATS = 3
/** The next owner removes heartbeats of dead nodes that are older than this. */
const FORGOTTEN_MS = 3_600_000

/**
 * One of the nodes of a store: tells of itself, watches the owner, takes the store from an owner that is silent, and
 * forwards requests that only the owner can answer.
 */
export class ClusterNode implements Peers {
  readonly #id = randomUUID()
  readonly #options: NodeOptions
  readonly #pollMs: number
  /** An idle node writes its heartbeat so often. */
  readonly #beatMs: number
  readonly #goneMs: number
  readonly #watch: OwnerWatch
  readonly #takeover: Takeover
  #url = ''
  #store: NodeStore | null = null
  #heartbeats: Heartbeats | null = null
  #database: EmbeddedDatabase | null = null
  readonly #link: OwnerLink
  readonly #readers: QueryNodes
  readonly #pushes: PushStreams
  #beats: OwnBeats | null = null
  #listed: ListedBeats | null = null
  /** How far this node had read or written at its last look. */
  #applied: Watermark = { epoch: 0, batch: 0 }
  /** When this node last had all that the owner told of. */
  #levelAtMs: number | null = null
  /** The watermark of the owner's stream at the look before. */
  #toldBefore: Watermark | null = null
  /** When the owner is to be asked again to tell of itself. */
  #askAtMs = 0
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
    this.#beatMs = this.#pollMs * IDLE_LOOKS
    this.#goneMs = this.#beatMs * GONE_BEATS
    this.#pushes = new PushStreams()
    this.#readers = new QueryNodes(options.keys[0] ?? '', this.#goneMs, this.#pollMs * LATE_POLLS)
    this.#link = new OwnerLink({
      id: this.#id,
      key: options.keys[0] ?? '',
      silenceMs: this.#pollMs * LATE_POLLS,
      reach: async (watermark, collections) =>
        await this.#database?.watermarks.reach(watermark, { timeoutMs: LIMITS.timeoutMs }, collections),
      onKey: (isKnown) => this.#noteKey(isKnown),
      onCut: () => this.#hurry(),
      onFailure: () => void this.#lookWhoOwns().catch(() => undefined),
    })
    this.#watch = new OwnerWatch(this.#id, options.ownerTimeoutMs)
    this.#takeover = new Takeover({
      id: this.#id,
      lookMs: this.#pollMs,
      watch: this.#watch,
      tell: async () => await this.#beats?.now(),
      others: async () => await this.#opened().listed.now(),
    })
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
    this.#listed = new ListedBeats(heartbeats, this.#pollMs)
    const store = new NodeStore({
      address,
      cacheFolder,
      cacheBytes,
      owner: { node: this.#id, url },
      options: this.#options.storeOptions ?? {},
      onBatch: (batch) => this.#pushes.send(batch),
      onOwned: (epoch) => this.#announce(epoch, heartbeats),
      onLost: (error) => {
        log(`this node does not own the store any more, and reads it: ${error.message}`)
        this.#takeover.noteLoss(error)
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
        take: (epoch) => this.#takeover.take(epoch, () => store.own()),
      })
      if (!this.#mayWrite) await first.read()
      this.#beats = new OwnBeats(heartbeats, {
        lookMs: this.#pollMs,
        report: () => this.#report(),
        isAwaited: () =>
          this.#takeover.opening !== null || (this.#mayWrite && this.keys.length > 0 && this.#watch.isWaiting),
        onReached: () => this.#pushes.tellPosition(),
      })
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
    const told = heartbeats.tellOwner(epoch).then(() => heartbeats.ask())
    const announced = Promise.all([this.#beats?.now(), told]).catch(() => undefined)
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
    return (await this.#opened().listed.now()).some(({ id, roles }) => id !== this.#id && roles.includes('write'))
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
  }

  #opened(): { store: NodeStore; heartbeats: Heartbeats; listed: ListedBeats } {
    const [store, heartbeats, listed] = [this.#store, this.#heartbeats, this.#listed]
    return { store: store as NodeStore, heartbeats: heartbeats as Heartbeats, listed: listed as ListedBeats }
  }

  async #lookForSuccessor(store: NodeStore, heartbeats: Heartbeats): Promise<void> {
    const epoch = store.epoch as number
    this.#applied = await store.progress.applied()
    this.#levelAtMs = performance.now()
    if (this.#link.owner?.epoch !== epoch) {
      this.#link.set({ epoch, node: this.#id, url: this.#url })
      await heartbeats.tellOwner(epoch)
      await heartbeats.ask()
      for (const { id, ageMs } of await this.#opened().listed.now())
        if (ageMs > FORGOTTEN_MS) await heartbeats.remove(id)
    }
    // A successor asks. The write finds out; a failure changes the role.
    if (this.#beats?.isAsked && (await heartbeats.toldEpoch()) > epoch) await store.touch().catch(() => undefined)
  }

  async #lookAtOwner(store: NodeStore, heartbeats: Heartbeats): Promise<void> {
    const owner = await store.owner()
    this.#link.set(owner)
    if (store.pushed && !this.#isStopped) this.#link.receive(store.pushed)
    this.#applied = await store.progress.applied()
    if (owner === null || this.#hears()) return
    const isMine = owner.node === this.#id
    const mayTake = isMine || (this.#mayWrite && this.keys.length > 0)
    if (mayTake && !isMine) await this.#ask(heartbeats)
    const beat = owner.node === null ? null : await heartbeats.read(owner.node)
    if (beat === null || hasReached(this.#applied, beat.watermark)) this.#levelAtMs = performance.now()
    this.#watch.note(owner, beat)
    // An owner that is silent is followed by one that has to be seen soon.
    if (this.#watch.isWaiting && (await heartbeats.toldEpoch()) > owner.epoch) await store.progress.position(true)
    if (!mayTake) return
    if (this.#watch.isWaiting) this.#watch.noteOthers(await this.#opened().listed.now(), owner)
    if (!this.#watch.isDue(owner)) return
    const own = async () => {
      this.#options.log('the owner of the store is silent: this node takes it')
      await store.own()
    }
    if (await this.#takeover.take(owner.epoch, own)) await this.#lookForSuccessor(store, heartbeats)
  }

  /** Whether the owner was heard lately, so that nothing need be read of the store. */
  #hears(): boolean {
    const { heard } = this.#link
    const isHeard = heard !== null && performance.now() - heard.atMs < this.#pollMs * HEARD_POLLS
    if (isHeard) {
      this.#watch.heard(heard.atMs)
      this.#askAtMs = 0
      // The last batches may be on their way.
      if (this.#toldBefore && hasReached(this.#applied, this.#toldBefore)) this.#levelAtMs = performance.now()
    }
    this.#toldBefore = isHeard ? heard.watermark : null
    return isHeard
  }

  /** A silence counts once the owner was asked. */
  async #ask(heartbeats: Heartbeats): Promise<void> {
    if (performance.now() < this.#askAtMs) return
    await heartbeats.ask()
    this.#askAtMs = performance.now() + this.#beatMs
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
      opening: this.#takeover.opening,
      watermark: this.#applied,
      lagSeconds: this.#lagSeconds,
    }
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

  /** The answer includes all writes that this node has acknowledged. */
  async forwardRead(request: FastifyRequest, reply: FastifyReply, refuse: (error: Error) => void): Promise<void> {
    const { store, listed } = this.#opened()
    const noted = listed.recent().then(
      (beats) => this.#readers.note(beats),
      () => undefined,
    )
    if (!this.#readers.isAny) await noted
    const watermark = watermarkText(await store.progress.position())
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
    if (this.#listed === null) return { owner: null, nodes: [] }
    const bounds = { goneMs: this.#goneMs, lateMs: this.#beatMs + this.#pollMs * LATE_POLLS }
    const nodes = describedNodes(await this.#listed.recent(), this.#report(), bounds)
    return { owner: this.#link.owner?.node ?? null, nodes }
  }
}
