/**
 * Proves of a recorded history: what was acknowledged is found, nothing is invented, units are whole, what was deleted
 * stays deleted. A read sees what its node acknowledged before, what its node has shown before, and what its watermark
 * demands. An unknown outcome may be either, and registers have one history.
 */
import { ABSENT, type Event, isAtLeast, type Look, PRESENT, type Read, type Swap, type Write } from './history.js'

export class HistoryViolation extends Error {}

/** Throws HistoryViolation, with the answer that breaks a promise and the changes of its unit. */
export function checkHistory(history: readonly Event[]): void {
  const units = new Units(history.filter(({ kind }) => kind === 'write') as Write[])
  // What a node has shown counts for reads that begin later.
  inOrder(history.filter(({ kind }) => kind === 'read') as Read[], {
    begins: (read) => units.check(read),
    ends: (read) => units.shown(read),
  })
  const swaps = history.filter(({ kind }) => kind === 'swap') as Swap[]
  for (const register of new Set(swaps.map(({ register }) => register))) {
    const looks = history.filter((event) => event.kind === 'look' && event.register === register) as Look[]
    checkRegister(
      register,
      swaps.filter((swap) => swap.register === register),
      looks,
    )
  }
}

/** Throws unless all of these answers, which were given when nothing changed any more, show the same. */
export function checkAgreement(reads: readonly Read[]): void {
  const [first, ...others] = reads.map(({ node, seen }) => ({ node, seen: entriesOf(seen) }))
  for (const { node, seen } of others) {
    const difference = seen.find((line, i) => line !== first?.seen[i]) ?? first?.seen[seen.length]
    if (difference !== undefined)
      throw new HistoryViolation(`nodes ${first?.node} and ${node} differ, first at ${difference}`)
  }
}

const entriesOf = (seen: Read['seen']) =>
  Object.entries(seen)
    .map(([unit, state]) => `${unit}: ${state}`)
    .sort()

/** Calls in the order of their begins and ends; a call that ends when another begins is before it. */
function inOrder<T extends Read | Look>(
  calls: readonly T[],
  { begins, ends }: Record<'begins' | 'ends', (call: T) => void>,
): void {
  const byStart = [...calls].sort((a, b) => a.startMs - b.startMs)
  const byEnd = [...calls].sort((a, b) => a.endMs - b.endMs)
  let ended = 0
  for (const call of byStart) {
    while (ended < byEnd.length && (byEnd[ended] as T).endMs <= call.startMs) ends(byEnd[ended++] as T)
    begins(call)
  }
}

/** The changes of a unit that may have been made. State 0 is the one before all of them. */
interface Unit {
  name: string
  writes: Write[]
  /** By node: the earliest state that its answers allow. */
  shown: Map<number, number>
}

class Units {
  readonly #units = new Map<string, Unit>()
  readonly #found = new Map<Read, [unit: Unit, state: number][]>()

  constructor(writes: readonly Write[]) {
    for (const write of writes) {
      const unit: Unit = this.#units.get(write.unit) ?? { name: write.unit, writes: [], shown: new Map() }
      this.#units.set(write.unit, unit)
      const last = unit.writes.at(-1)
      if (last && (last.outcome === 'unknown' || last.endMs > write.startMs))
        throw new Error(`the history is malformed: unit ${write.unit} was changed after an unknown outcome, or at once`)
      if (write.outcome !== 'refused') unit.writes.push(write)
    }
  }

  check(read: Read): void {
    for (const [name, seen] of Object.entries(read.seen)) {
      const unit = this.#units.get(name)
      if (unit) this.#note(read, unit, seen)
      else if (seen !== ABSENT) throw new HistoryViolation(`invented: ${textOf(read, name, seen)}`)
    }
    if (read.scope === null) return
    for (const unit of this.#units.values())
      if (unit.name.startsWith(read.scope) && !(unit.name in read.seen)) this.#note(read, unit, ABSENT)
  }

  #note(read: Read, unit: Unit, seen: string): void {
    const found = this.#found.get(read) ?? []
    found.push([unit, checkState(read, unit, seen)])
    this.#found.set(read, found)
  }

  shown(read: Read): void {
    for (const [unit, state] of this.#found.get(read) ?? [])
      unit.shown.set(read.node, Math.max(state, unit.shown.get(read.node) ?? 0))
    this.#found.delete(read)
  }
}

/** Returns the earliest of the states that the answer may show. */
function checkState(read: Read, unit: Unit, seen: string): number {
  const { writes } = unit
  let least = unit.shown.get(read.node) ?? 0
  let most = 0
  for (const [i, write] of writes.entries()) {
    if (write.startMs <= read.endMs) most = i + 1
    if (mustSee(read, write)) least = Math.max(least, i + 1)
  }
  const stateAt = (i: number) => (i === 0 ? ABSENT : (writes[i - 1] as Write).state)
  for (let i = least; i <= most; i++) {
    if (stateAt(i) === seen || (seen === PRESENT && stateAt(i) !== ABSENT)) return i
  }
  const allowed = Array.from({ length: most - least + 1 }, (_, i) => stateAt(least + i))
  throw new HistoryViolation(
    `${textOf(read, unit.name, seen)}, expected ${allowed.join(' or ')}; its changes:\n${writes.map((write) => JSON.stringify(write)).join('\n')}`,
  )
}

/** Whether a change was acknowledged by the node that is asked, or is covered by the watermark that is demanded. */
function mustSee(
  { node, after, startMs }: Pick<Read, 'node' | 'after' | 'startMs'>,
  write: Pick<Write, 'node' | 'outcome' | 'watermark' | 'endMs'>,
): boolean {
  if (write.outcome !== 'done') return false
  if (write.node === node && write.endMs <= startMs) return true
  return after !== null && write.watermark !== null && isAtLeast(after, write.watermark)
}

function textOf(read: Read, unit: string, seen: string): string {
  const { node, after, startMs, endMs } = read
  return `${unit}: node ${node} showed ${seen} (after ${after}, asked at ${startMs}, answered at ${endMs})`
}

/** Values rise, each is of one token, and a swap that was acknowledged leaves its value or a higher one. */
function checkRegister(register: string, swaps: readonly Swap[], looks: readonly Look[]): void {
  const owners = new Map<number, string>([[0, '']])
  const byToken = new Map(swaps.map((swap) => [swap.token, swap]))
  const shown = new Map<number, number>()
  const check = (look: Look) => {
    const { value, token, node } = look
    const fail = (what: string) => {
      throw new HistoryViolation(`register ${register}: ${what}: ${JSON.stringify(look)}`)
    }
    const swap = byToken.get(token)
    const isKnown = value === 0 ? token === '' : swap?.to === value && swap.startMs <= look.endMs
    if (!isKnown || swap?.outcome === 'refused') fail('a value that nobody wrote')
    if ((owners.get(value) ?? token) !== token) fail(`two histories, the other one has ${owners.get(value)}`)
    owners.set(value, token)
    const least = Math.max(shown.get(node) ?? 0, ...swaps.filter((swap) => mustSee(look, swap)).map(({ to }) => to))
    if (value < least) fail(`expected at least ${least}`)
  }
  inOrder(looks, {
    begins: check,
    ends: ({ node, value }) => void shown.set(node, Math.max(value, shown.get(node) ?? 0)),
  })
}
