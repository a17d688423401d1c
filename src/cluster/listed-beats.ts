import type { Heartbeat, Heartbeats } from './heartbeats.js'

const MS_PER_SECOND = 1_000

export type Listed = Awaited<ReturnType<Heartbeats['list']>>

/** All heartbeats of a store as they were last listed. A listing takes a request for each of them. */
export class ListedBeats {
  readonly #heartbeats: Pick<Heartbeats, 'list'>
  readonly #keptMs: number
  #last: { atMs: number; beats: Listed } | null = null
  #listing: Promise<Listed> | null = null

  constructor(heartbeats: Pick<Heartbeats, 'list'>, keptMs: number) {
    this.#heartbeats = heartbeats
    this.#keptMs = keptMs
  }

  async now(): Promise<Listed> {
    this.#listing ??= this.#heartbeats.list().finally(() => {
      this.#listing = null
    })
    const beats = await this.#listing
    this.#last = { atMs: performance.now(), beats }
    return beats
  }

  /** At most one listing for each look, however many callers ask. */
  async recent(): Promise<Listed> {
    const last = this.#last
    if (last && performance.now() - last.atMs < this.#keptMs) return last.beats
    return await this.now().catch((error: unknown) => {
      if (last) return last.beats
      throw error
    })
  }
}

/** The nodes as a service tells of them, those left out that are gone. A node's own lag is newer than its heartbeat. */
export function describedNodes(
  beats: Listed,
  own: Pick<Heartbeat, 'id' | 'lagSeconds'>,
  { goneMs, lateMs }: { goneMs: number; lateMs: number },
): { id: string; url: string; roles: readonly string[]; lag_seconds: number }[] {
  const lagOf = ({ id, lagSeconds, ageMs }: Listed[number]) => {
    if (id === own.id) return own.lagSeconds
    // A node that is silent reads nothing, whatever it told last.
    return Math.max(lagSeconds, ageMs > lateMs ? Math.round(ageMs / MS_PER_SECOND) : 0)
  }
  return beats
    .filter(({ id, ageMs }) => id === own.id || ageMs <= goneMs)
    .map((beat) => ({ id: beat.id, url: beat.url, roles: beat.roles, lag_seconds: lagOf(beat) }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
}
