import type { Heartbeat, Heartbeats } from './heartbeats.js'

/** A node that has nothing new to tell writes its heartbeat at every so many looks: every 30 s at the default. */
export const IDLE_LOOKS = 12
/** An owner that was asked writes one at each look, for so many looks. */
const ASKED_LOOKS = 2 * IDLE_LOOKS

interface BeatParts {
  lookMs: number
  report(): Omit<Heartbeat, 'beat'>
  /** Whether others wait for this node's heartbeats, as they do while the owner is silent. */
  isAwaited(): boolean
  /** The store has answered this node as the owner of it. */
  onReached(): void
}

/**
 * Writes a node's heartbeats on a timer of its own: changes of its role, openings and looks at other nodes delay none.
 * One is under way at a time. An idle node writes few: readers hear an owner by its stream, and a node that does not
 * hear it asks for more. An owner looks at the store each time, so that its stream tells of no owner that is cut off.
 */
export class OwnBeats {
  readonly #heartbeats: Pick<Heartbeats, 'write' | 'asked'>
  readonly #parts: BeatParts
  #beat = 0
  #timer: NodeJS.Timeout | null = null
  #writing: Promise<void> = Promise.resolve()
  #isLooking = false
  #isStopped = false
  /** The last one that was written. */
  #told: Omit<Heartbeat, 'beat'> | null = null
  #looksSince = 0
  #asked = ''
  #askedLooks = 0

  constructor(heartbeats: Pick<Heartbeats, 'write' | 'asked'>, parts: BeatParts) {
    this.#heartbeats = heartbeats
    this.#parts = parts
  }

  start(): void {
    this.#timer = setInterval(() => {
      // A store that does not answer is asked again by the next one.
      if (!this.#isLooking) void this.#look().catch(() => undefined)
    }, this.#parts.lookMs).unref()
  }

  /** Whether another node has lately asked the owner to tell of itself. */
  get isAsked(): boolean {
    return this.#askedLooks > 0
  }

  /** Writes one that tells of the node as it is now. */
  async now(): Promise<void> {
    this.#writing = this.#writing
      .catch(() => undefined)
      .then(async () => {
        if (this.#isStopped) return
        const told = this.#parts.report()
        await this.#heartbeats.write({ ...told, beat: ++this.#beat })
        this.#told = told
        this.#looksSince = 0
      })
    await this.#writing
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    try {
      const report = this.#parts.report()
      const isOwner = report.epoch !== null
      if (isOwner) await this.#lookWhetherAsked()
      this.#looksSince++
      const isDue = this.#looksSince >= IDLE_LOOKS || this.isAsked || this.#parts.isAwaited()
      if (isDue || isNews(report, this.#told)) await this.now()
      if (isOwner) this.#parts.onReached()
    } finally {
      this.#isLooking = false
    }
  }

  async #lookWhetherAsked(): Promise<void> {
    const asked = await this.#heartbeats.asked()
    if (asked !== this.#asked) this.#askedLooks = ASKED_LOOKS
    else if (this.#askedLooks > 0) this.#askedLooks--
    this.#asked = asked
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    if (this.#timer) clearInterval(this.#timer)
    await this.#writing.catch(() => undefined)
  }
}

/** Whether other nodes should know at once: another role, or a node that is behind or has caught up. */
function isNews(now: Omit<Heartbeat, 'beat'>, told: Omit<Heartbeat, 'beat'> | null): boolean {
  return now.epoch !== told?.epoch || now.lagSeconds > 0 !== told.lagSeconds > 0
}
