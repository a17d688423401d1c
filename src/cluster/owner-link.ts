import type { GroupReader } from '../bucket/group-reader.js'
import type { GroupOwner } from '../bucket/owner.js'
import type { ReceivedFrame } from '../bucket/pushed-frame.js'
import type { Watermark } from '../bucket/watermark.js'
import { isAddress } from './heartbeats.js'
import { type ForwarderParts, PeerForwarder, unavailable } from './peer-forwarder.js'
import type { Target } from './peer-requests.js'
import { PushReceiver } from './push-receiver.js'

interface LinkParts extends Omit<ForwarderParts, 'name'> {
  /** This node. */
  id: string
  /** An owner that pushes nothing for this time counts as silent. */
  silenceMs: number
  /** Whether the owner knows the key of this node. */
  onKey(isKnown: boolean): void
  /** The stream of an owner that was heard is over. */
  onCut(): void
}

/** The last message of the owner's stream. */
export interface Heard {
  atMs: number
  watermark: Watermark
}

/** The owner of the store as one node sees it, and the connections to it: requests to it, and batches from it. */
export class OwnerLink {
  readonly #parts: LinkParts
  #owner: GroupOwner | null = null
  #forwarder: PeerForwarder | null = null
  #receiver: PushReceiver | null = null
  #frames = 0
  #heard: Heard | null = null

  constructor(parts: LinkParts) {
    this.#parts = parts
  }

  get owner(): GroupOwner | null {
    return this.#owner
  }

  /**
   * Null without a stream. The frame that opens it does not count: later ones say that the store answers the owner, too.
   */
  get heard(): Heard | null {
    return this.#heard
  }

  /** Another one than before ends the connections: unanswered requests have an unknown outcome. */
  set(owner: GroupOwner | null): void {
    const before = this.#owner
    this.#owner = owner
    if (before?.epoch !== owner?.epoch) this.close()
  }

  /** Throws UNAVAILABLE where no owner is known. */
  forwarder(): PeerForwarder {
    const target = this.#target
    if (!target) throw unavailable('no node is known that owns the store')
    this.#forwarder ??= new PeerForwarder(target, { ...this.#parts, name: 'the node that owns the store' })
    return this.#forwarder
  }

  /** Has the owner push its batches, if it is not doing so. */
  receive(pushed: Pick<GroupReader, 'take' | 'cut'>): void {
    const target = this.#target
    if (!target || this.#receiver?.hasEnded === false) return
    const { key, silenceMs, onKey } = this.#parts
    this.#frames = 0
    const take = (frame: ReceivedFrame) => {
      if (++this.#frames > 1) this.#heard = { atMs: performance.now(), watermark: frame.position }
      pushed.take(frame)
    }
    const onEnd = () => {
      pushed.cut()
      const wasHeard = this.#heard !== null
      this.#heard = null
      if (wasHeard) this.#parts.onCut()
    }
    this.#receiver = new PushReceiver(target, { key, silenceMs, take, onKey, onEnd })
  }

  close(): void {
    this.#forwarder?.close()
    this.#forwarder = null
    this.#heard = null
    this.#receiver?.close()
    this.#receiver = null
  }

  /** Null unless it is another node that this one may ask. */
  get #target(): Target | null {
    const { node = null, url = null } = this.#owner ?? {}
    const { id, key } = this.#parts
    if (node === null || url === null || node === id || key === '' || !isAddress(url)) return null
    return { id: node, url }
  }
}
