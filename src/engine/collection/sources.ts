/**
 * Positions of the sources of streams, and counts of the collection's rules. A record of the log says the rows that its
 * source has with it, so rows and position are stored together or not at all. The manifest has the positions as of the
 * flush, and the log the later ones.
 */
import { LIMITS } from '../../core/limits.js'
import { Mutex } from '../../core/mutex.js'
import { RecentRows, WORDS_OF_ROW } from '../../ingest/recent-rows.js'
import type { SourcePosition } from '../../log/record.js'
import type { Manifest } from '../../storage/manifest.js'
import { RuleCounts } from './rule-counts.js'

/** A record that the log has taken, and the rows of its source. */
export interface GivenRecord {
  seq: number
  source: SourcePosition
}

export class Sources {
  /** With every record that was given to the log. */
  #given: Positions
  /** With every record that is applied. */
  readonly #applied: Positions
  /** As of the flush. */
  readonly #flushed: Positions
  /** Records that the log has taken and that are not flushed, in order. */
  #unflushed: GivenRecord[] = []
  readonly #isFlushed: boolean
  /** Of each source whose batch is under way. */
  readonly #turns = new Map<string, Mutex>()
  /** Rows of these sources before this one may be in the quarantine, though no record of the log says so. */
  readonly #putAside = new Map<string, number>()
  readonly ruleCounts: RuleCounts

  /** `isFlushed`: false in memory, where nothing ever is. */
  constructor({ sources = [], ruleCounts }: Pick<Manifest, 'sources' | 'ruleCounts'>, isFlushed: boolean) {
    this.ruleCounts = new RuleCounts(ruleCounts)
    const positions = sources.map(ofManifest)
    this.#flushed = new Positions(positions)
    this.#applied = new Positions(positions)
    this.#given = new Positions(positions)
    this.#isFlushed = isFlushed
  }

  /** Rows of the source that are stored, on stable storage. */
  stored(name: string): number {
    return this.#applied.of(name)
  }

  /** The same with writes under way. */
  given(name: string): number {
    return this.#given.of(name)
  }

  /** Batches of one source take turns, from the first look at their rows until they are written or lost. */
  async inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const turns = this.#turns.get(name) ?? new Mutex()
    this.#turns.set(name, turns)
    try {
      return await turns.run(work)
    } finally {
      if (turns.pending === 0) this.#turns.delete(name)
    }
  }

  /** A batch up to this row puts rows into the quarantine. It may be lost after that. */
  notePutAside(name: string, to: number): void {
    const before = this.#putAside.get(name) ?? 0
    this.#putAside.delete(name)
    this.#putAside.set(name, Math.max(before, to))
    if (this.#putAside.size > LIMITS.ingestSources) this.#putAside.delete([...this.#putAside.keys()][0] as string)
  }

  /** Whether the quarantine may have rows of the source from this one on that a lost batch has put there. */
  hasPutAside(name: string, from: number): boolean {
    return (this.#putAside.get(name) ?? 0) > from
  }

  /** The latest rows before that, as far as rules look back; null if they are not kept. */
  recent(name: string): RecentRows | null {
    const { position = 0, recent = null } = this.#given.at(name) ?? {}
    return recent && new RecentRows(recent, position)
  }

  /** The log has taken a record. Returns the entry, which `takeBack` takes if the log loses it. */
  give(seq: number, source: SourcePosition): GivenRecord {
    const given = { seq, source }
    this.#given.set(source)
    // Not when it is applied: a flush may follow the kernel before the promise of its work does.
    if (this.#isFlushed) this.#unflushed.push(given)
    return given
  }

  /** The log has lost this record. A later record may have its number by now, and stays. */
  takeBack(lost: GivenRecord): void {
    this.#unflushed = this.#unflushed.filter((record) => record !== lost)
    this.#given = new Positions(this.#applied.list())
    for (const { source } of this.#unflushed) this.#given.set(source)
  }

  /** A record is applied, and on stable storage. */
  apply(source: SourcePosition): void {
    this.#applied.set(source)
    if (!this.hasPutAside(source.name, source.position)) this.#putAside.delete(source.name)
  }

  /** A record of the log, at the opening. */
  replay(seq: number, source: SourcePosition): void {
    this.give(seq, source)
    this.apply(source)
  }

  /** For the manifest: counts of rules, also of rows that left no record. Nothing if there are none. */
  get counts(): Pick<Manifest, 'ruleCounts'> {
    const { days } = this.ruleCounts
    return days.length === 0 ? {} : { ruleCounts: [...days] }
  }

  /** For the manifest, with the records up to this one. Nothing if no source has a position, and no rule a count. */
  asOf(seq: number): Pick<Manifest, 'sources' | 'ruleCounts'> {
    const later = this.#unflushed.findIndex((record) => record.seq > seq)
    const flushed = later < 0 ? this.#unflushed.length : later
    for (const { source } of this.#unflushed.splice(0, flushed)) this.#flushed.set(source)
    const sources = this.#flushed.list().map(toManifest)
    return { ...(sources.length === 0 ? {} : { sources }), ...this.counts }
  }
}

/** Bounded: the source that was written longest ago is forgotten first, and the rows of such sources before them. */
class Positions {
  readonly #positions = new Map<string, SourcePosition>()
  #keptRows = 0

  constructor(sources: readonly SourcePosition[]) {
    for (const source of sources) this.set(source)
  }

  of(name: string): number {
    return this.#positions.get(name)?.position ?? 0
  }

  at(name: string): SourcePosition | undefined {
    return this.#positions.get(name)
  }

  set(source: SourcePosition): void {
    const { name } = source
    this.#keptRows += rowsOf(source) - rowsOf(this.#positions.get(name))
    this.#positions.delete(name)
    this.#positions.set(name, source)
    for (const [older, { recent: _, ...position }] of this.#positions) {
      if (this.#keptRows <= LIMITS.keptWindowRows || older === name) break
      this.#keptRows -= rowsOf(this.#positions.get(older))
      this.#positions.set(older, position)
    }
    if (this.#positions.size <= LIMITS.ingestSources) return
    const [oldest] = this.#positions.keys()
    this.#keptRows -= rowsOf(this.#positions.get(oldest as string))
    this.#positions.delete(oldest as string)
  }

  list(): SourcePosition[] {
    return [...this.#positions.values()]
  }
}

function rowsOf(source: SourcePosition | undefined): number {
  return source?.recent ? source.recent.words.length / WORDS_OF_ROW : 0
}

type ManifestSource = NonNullable<Manifest['sources']>[number]

/** The manifest is JSON. */
function toManifest({ recent, ...position }: SourcePosition): ManifestSource {
  if (!recent) return position
  const { buffer, byteOffset, byteLength } = recent.words
  const rows = Buffer.from(buffer, byteOffset, byteLength).toString('base64')
  return { ...position, recent: { vectors: recent.vectors, rows } }
}

function ofManifest({ recent, ...position }: ManifestSource): SourcePosition {
  if (!recent) return position
  const words = wordsOfBytes(Buffer.from(recent.rows, 'base64'))
  return { ...position, recent: { vectors: recent.vectors, words } }
}

function wordsOfBytes(bytes: Uint8Array): Uint32Array {
  const words = new Uint32Array(Math.floor(bytes.length / Uint32Array.BYTES_PER_ELEMENT))
  new Uint8Array(words.buffer).set(bytes.subarray(0, words.byteLength))
  return words
}
