/** Calls of clients to nodes, written down with their outcomes. */
import { ABSENT, type Event, isAtLeast, type Look, type Read, type Swap, type Write } from './history.js'
import { HistoryViolation } from './history-check.js'
import { type Answer, NoAnswer, type NodeProcess } from './node-process.js'

/** How long a caller waits. A write that takes longer has an unknown outcome. */
const WAIT_MS = 4_000
const OK = 200
const NOT_FOUND = 404
/** Statuses that tell of a store or a node that has trouble, and of a time that was too short. */
const OF_FAULTS = new Set([408, 429, 503, 504])
/** Answers which say that the write is not stored, and never will be. */
const NOT_STORED = /the store does not have the write|does not own the store$|no node is known that owns the store/
/** The write is stored, and this node does not read it yet. */
const STORED = /the write is stored \(watermark (\d+\.\d+)\)/

export interface Slot {
  number: number
  process: NodeProcess
}

export interface Request {
  method: string
  path: string
  body?: unknown
}

export class Calls {
  readonly events: Event[] = []
  readonly #underWay = new Set<Write | Swap>()
  /** Answers that no fault explains, with the number of each. */
  readonly odd = new Map<string, number>()
  readonly counts = { done: 0, refused: 0, unknown: 0, reads: 0, failedReads: 0 }
  /** The latest watermark of all. */
  watermark: string | null = null

  async write(slot: Slot, unit: string, state: string, request: Request): Promise<Write> {
    return await this.#noted({ kind: 'write', unit, state, ...begun(slot) }, slot, request)
  }

  async swap(slot: Slot, register: string, to: number, token: string, request: Request): Promise<void> {
    await this.#noted<Swap>({ kind: 'swap', register, to, token, ...begun(slot) }, slot, request)
  }

  /** What happened until now: the outcome of changes that are under way is not known. */
  get soFar(): Event[] {
    return [...this.events, ...this.#underWay]
  }

  async #noted<T extends Write | Swap>(change: T, slot: Slot, request: Request): Promise<T> {
    this.#underWay.add(change)
    try {
      const done = { ...change, ...(await this.#change(slot, request)) }
      this.events.push(done)
      return done
    } finally {
      this.#underWay.delete(change)
    }
  }

  /** Resolves to false where there was no answer to learn from. */
  async read(
    slot: Slot,
    request: Request,
    after: string | null,
    scope: string | null,
    seenIn: (answer: Answer) => Read['seen'],
  ): Promise<Read | null> {
    const { answer, startMs, endMs } = await this.#ask(slot, { ...request, path: demanding(request.path, after) })
    if (answer === null || (answer.status !== OK && answer.status !== NOT_FOUND)) {
      this.counts.failedReads++
      return null
    }
    if (answer.status === NOT_FOUND && isOfThings(request))
      throw new HistoryViolation(`node ${slot.number}: ${answer.error}`)
    const read: Read = { kind: 'read', node: slot.number, after, startMs, endMs, scope, seen: seenIn(answer) }
    this.counts.reads++
    this.events.push(read)
    return read
  }

  async look(slot: Slot, register: string, request: Request, after: string | null): Promise<Look | null> {
    const { answer, startMs, endMs } = await this.#ask(slot, { ...request, path: demanding(request.path, after) })
    const payload = answer?.status === OK ? answer.result[0]?.payload : undefined
    if (payload === undefined) return null
    const { n: value, token } = payload
    const look: Look = { kind: 'look', node: slot.number, register, after, startMs, endMs, value, token }
    this.counts.reads++
    this.events.push(look)
    return look
  }

  async #change({ number: node, ...slot }: Slot, request: Request): Promise<Omit<Write, 'kind' | 'unit' | 'state'>> {
    const { answer, neverLeft, startMs, endMs } = await this.#ask({ ...slot, number: node }, request)
    const call = { startMs, endMs }
    const stored = STORED.exec(answer?.error ?? '')?.[1]
    if (stored !== undefined) return { ...call, node: -1, ...this.#done(stored) }
    if (answer?.status === OK) return { ...call, node, ...this.#done(String(answer.headers['x-vicinal-watermark'])) }
    const isRefused = neverLeft || (answer !== null && (!OF_FAULTS.has(answer.status) || NOT_STORED.test(answer.error)))
    const outcome = isRefused ? 'refused' : 'unknown'
    this.counts[outcome]++
    return { ...call, node, outcome, watermark: null }
  }

  #done(watermark: string): { outcome: 'done'; watermark: string } {
    this.counts.done++
    if (this.watermark === null || isAtLeast(watermark, this.watermark)) this.watermark = watermark
    return { outcome: 'done', watermark }
  }

  async #ask({ number, process }: Slot, { method, path, body }: Request) {
    const startMs = performance.now()
    let answer: Answer | null = null
    let neverLeft = false
    try {
      answer = await process.ask(method, path, body, WAIT_MS)
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      neverLeft = error.neverLeft
    }
    if (answer && answer.status !== OK && !OF_FAULTS.has(answer.status)) this.#noteOdd(number, method, path, answer)
    return { answer, neverLeft, startMs, endMs: performance.now() }
  }

  #noteOdd(_node: number, method: string, path: string, { status, error }: Answer): void {
    const what = `${method} ${path.replace(/\?.*$/, '')} ${status} ${error}`.replaceAll(
      /\d+-\d+|\d{3,}|[0-9a-f-]{36}/g,
      '…',
    )
    this.odd.set(what, 1 + (this.odd.get(what) ?? 0))
  }
}

/** A change that is under way. */
function begun({ number: node }: Slot): Pick<Write, 'node' | 'startMs' | 'endMs' | 'outcome' | 'watermark'> {
  return { node, startMs: performance.now(), endMs: Number.POSITIVE_INFINITY, outcome: 'unknown', watermark: null }
}

/** Collections that stand from the beginning to the end are on every node. */
const isOfThings = ({ path }: Request) => path.startsWith('/collections/things/')

function demanding(path: string, after: string | null): string {
  return after === null ? path : `${path}?after=${after}&timeout=3`
}

/** A unit of the catalogue, by an answer that is 404 where it is not there. */
export function seenOrAbsent(unit: string, stateOf: (answer: Answer) => string): (answer: Answer) => Read['seen'] {
  return (answer) => ({ [unit]: answer.status === NOT_FOUND ? ABSENT : stateOf(answer) })
}
