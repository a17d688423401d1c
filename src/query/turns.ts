/** Splits long work on the JavaScript thread, so that other work gets its turns. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Hit } from '../core/database.js'
import { andThen, type MaybePromise } from '../core/maybe-promise.js'
import { encodeId, ID_WORDS, idKey, type PointId } from '../core/point.js'
import type { Stoppable } from '../core/stop.js'

const MOST_MS = 2
/** Elements of a step: some microseconds. */
export const STEP = 64
/** Sorted in one step. */
const RUN = 512

/** Work that may give way, or end, wherever it yields. Between two yields it takes some microseconds. */
export type Steps<T> = Generator<undefined, T>

/** For work that is known to be short. */
export function atOnce<T>(steps: Steps<T>): T {
  let taken = steps.next()
  while (!taken.done) taken = steps.next()
  return taken.value
}

/** One clock for all loops of one piece of work: many short loops pause as often as a long one. */
export class Turns {
  readonly #call: Pick<Stoppable, 'isStopped' | 'reason'> | undefined
  #started = performance.now()

  constructor(call?: Pick<Stoppable, 'isStopped' | 'reason'>) {
    this.#call = call
  }

  /** Returns a promise to await when other work should run; undefined otherwise. */
  pause(): Promise<void> | undefined {
    return performance.now() - this.#started < MOST_MS ? undefined : this.#giveWay()
  }

  /** Takes the steps: at once where that takes no more than some milliseconds, else in turns. Ends as `each` does. */
  take<T>(steps: Steps<T>): MaybePromise<T> {
    const taken = this.#takeSome(steps)
    return taken.done ? taken.value : this.#takeOthers(steps)
  }

  /** Runs `step` for each of `count`, giving way every few milliseconds; ends with the call's reason once it was stopped. */
  async each(count: number, step: (at: number) => void): Promise<void> {
    for (let at = 0; at < count; at++) {
      step(at)
      const others = this.pause()
      if (others) await others
    }
  }

  /**
   * Begins all works one after the other, in turns, and returns their results; at once if all are there. None begins once
   * the call was stopped. A work that throws does not keep the others from being awaited.
   */
  all<T>(works: readonly (() => MaybePromise<T>)[]): MaybePromise<T[]> {
    return andThen(this.take(begunOf(works)), (begun) =>
      begun.some((one) => one instanceof Promise) ? Promise.all(begun) : (begun as T[]),
    )
  }

  #takeSome<T>(steps: Steps<T>): IteratorResult<undefined, T> {
    let taken = steps.next()
    while (!taken.done && performance.now() - this.#started < MOST_MS) taken = steps.next()
    return taken
  }

  async #takeOthers<T>(steps: Steps<T>): Promise<T> {
    for (;;) {
      await this.#giveWay()
      const taken = this.#takeSome(steps)
      if (taken.done) return taken.value
    }
  }

  async #giveWay(): Promise<void> {
    await nextTurn()
    if (this.#call?.isStopped) throw this.#call.reason
    this.#started = performance.now()
  }
}

function* begunOf<T>(works: readonly (() => MaybePromise<T>)[]): Steps<MaybePromise<T>[]> {
  const begun: MaybePromise<T>[] = []
  for (const work of works) {
    const one = startOf(work)
    // Nobody awaits it where the call is stopped before the last one has begun.
    if (one instanceof Promise) one.catch(() => {})
    begun.push(one)
    yield
  }
  return begun
}

function startOf<T>(work: () => MaybePromise<T>): MaybePromise<T> {
  try {
    return work()
  } catch (error) {
    return Promise.reject(error)
  }
}

/** `make` of each position. */
export function* listOf<T>(count: number, make: (at: number) => T): Steps<T[]> {
  const list: T[] = new Array(count)
  for (let at = 0; at < count; at++) {
    list[at] = make(at)
    yield
  }
  return list
}

/** Ids as the kernel takes them. */
export function* encodedIds(
  count: number,
  idAt: (at: number) => PointId,
  field = 'ids',
  isText = false,
): Steps<Uint32Array> {
  const words = new Uint32Array(count * ID_WORDS)
  for (let at = 0; at < count; at++) {
    encodeId(idAt(at), words, at * ID_WORDS, `${field}[${at}]`, isText)
    if (at % STEP === 0) yield
  }
  return words
}

/** Encoded ids without repetitions, each where it came first. */
export function* distinctIds(ids: Uint32Array): Steps<Uint32Array> {
  const seen = new Set<string>()
  const kept = new Uint32Array(ids.length)
  for (let at = 0; at < ids.length; at += ID_WORDS) {
    const before = seen.size
    seen.add(idKey(ids, at))
    if (seen.size > before) kept.set(ids.subarray(at, at + ID_WORDS), before * ID_WORDS)
    if (at % (STEP * ID_WORDS) === 0) yield
  }
  return kept.subarray(0, seen.size * ID_WORDS)
}

/** The points of all sources: each once, in the place where it came first, as the last of them has it. */
export function* distinctHits(sources: readonly (readonly Hit[])[]): Steps<Hit[]> {
  const known = new Map<PointId, Hit>()
  for (const hits of sources) yield* addById(known, hits, (hit) => hit)
  return [...known.values()]
}

/** The result of `valueIn` for each hit, by its id. */
export function* byId<V>(hits: readonly Hit[], valueIn: (hit: Hit, at: number) => V): Steps<Map<PointId, V>> {
  const values = new Map<PointId, V>()
  yield* addById(values, hits, valueIn)
  return values
}

function* addById<V>(values: Map<PointId, V>, hits: readonly Hit[], valueIn: (hit: Hit, at: number) => V): Steps<void> {
  for (let at = 0; at < hits.length; at++) {
    const hit = hits[at] as Hit
    values.set(hit.id, valueIn(hit, at))
    if (at % STEP === 0) yield
  }
}

/** A new list in order; equal elements stay as they were. */
export function* sorted<T>(list: readonly T[], compare: (a: T, b: T) => number): Steps<T[]> {
  let from: T[] = []
  for (let at = 0; at < list.length; at += RUN) {
    from.push(...list.slice(at, at + RUN).sort(compare))
    yield
  }
  for (let width = RUN; width < list.length; width *= 2) {
    const to: T[] = new Array(list.length)
    for (let start = 0; start < list.length; start += 2 * width) yield* merge(from, to, start, width, compare)
    from = to
  }
  return from
}

/** Two sorted runs of at most `width`, the first of which begins at `start`. */
function* merge<T>(
  from: readonly T[],
  to: T[],
  start: number,
  width: number,
  compare: (a: T, b: T) => number,
): Steps<void> {
  const middle = Math.min(start + width, from.length)
  const end = Math.min(middle + width, from.length)
  let [left, right] = [start, middle]
  for (let at = start; at < end; at++) {
    const takesRight = right < end && (left >= middle || compare(from[left] as T, from[right] as T) > 0)
    to[at] = from[takesRight ? right++ : left++] as T
    if (at % STEP === 0) yield
  }
}
