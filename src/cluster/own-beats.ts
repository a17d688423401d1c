import type { Heartbeat, Heartbeats } from './heartbeats.js'

/**
 * Writes a node's heartbeats on a timer of its own, so that no change of its role, no opening and no look at other nodes
 * delays them. One is under way at a time.
 */
export class OwnBeats {
  readonly #heartbeats: Pick<Heartbeats, 'write'>
  readonly #everyMs: number
  readonly #report: () => Omit<Heartbeat, 'beat'>
  #beat = 0
  #timer: NodeJS.Timeout | null = null
  #writing: Promise<void> = Promise.resolve()
  #isWriting = false
  #isStopped = false

  constructor(heartbeats: Pick<Heartbeats, 'write'>, everyMs: number, report: () => Omit<Heartbeat, 'beat'>) {
    this.#heartbeats = heartbeats
    this.#everyMs = everyMs
    this.#report = report
  }

  start(): void {
    this.#timer = setInterval(() => {
      // A store that does not answer is asked again by the next one.
      if (!this.#isWriting) void this.now().catch(() => undefined)
    }, this.#everyMs).unref()
  }

  /** Writes one that tells of the node as it is now. */
  async now(): Promise<void> {
    this.#writing = this.#writing
      .catch(() => undefined)
      .then(async () => {
        if (this.#isStopped) return
        this.#isWriting = true
        try {
          await this.#heartbeats.write({ ...this.#report(), beat: ++this.#beat })
        } finally {
          this.#isWriting = false
        }
      })
    await this.#writing
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    if (this.#timer) clearInterval(this.#timer)
    await this.#writing.catch(() => undefined)
  }
}
