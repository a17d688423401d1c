/** One client of several nodes: it changes its own units one after the other, and reads them anywhere. */
import type { Random } from '../oracle/fault-random.js'
import { ABSENT, PRESENT, type Read, type Write } from './history.js'
import { type Calls, type Request, type Slot, seenOrAbsent } from './history-calls.js'
import type { Answer } from './node-process.js'

const POINTS = 4
const THINGS = '/collections/things'
const KEPT = ['left', 'right'] as const
/** Units of points that a lane has at once, about. */
const LIVE = 12
const LANE_IDS = 1_000_000
const REGISTERS = 2
const REGISTER_IDS = 900_000_000
/** Names in the catalogue whose last change had an unknown outcome stay for good. */
const MOST_LEFT_OVER = 6
const SMALL = { vectors: { size: 1, distance: 'Dot' } }

/** Points that are written together. Vector and payload have versions of their own. */
interface Unit {
  name: string
  lane: number
  number: number
  vector: number
  payload: number
  isThere: boolean
  /** The last version that was sent, whatever became of it. */
  tried: number
}

/** A collection or an alias. */
interface Entry {
  name: string
  state: string
}

export interface LaneParts {
  number: number
  random: Random
  calls: Calls
  /** All of them: each reads the units of the others, too. */
  lanes: readonly Lane[]
  /** A node that may be asked; null while there is none. */
  pick(): Slot | null
}

/** What every lane stands on. Rejects if it cannot be made. */
export async function makeCollections(must: (request: Request) => Promise<unknown>): Promise<void> {
  await must({ method: 'PUT', path: THINGS, body: { vectors: { size: 3, distance: 'Dot' } } })
  for (const key of ['unit', 'lane'])
    await must({ method: 'PUT', path: `${THINGS}/index`, body: { field_name: key, field_schema: 'keyword' } })
  const registers = Array.from({ length: REGISTERS }, (_, i) => ({
    id: REGISTER_IDS + i,
    vector: [0, 0, 0],
    payload: { n: 0, token: '' },
  }))
  await must({ method: 'PUT', path: `${THINGS}/points`, body: { points: registers } })
  for (const name of KEPT) {
    await must({ method: 'PUT', path: `/collections/${name}`, body: SMALL })
    await must({ method: 'PUT', path: `/collections/${name}/points`, body: { points: [marker(name)] } })
  }
}

const marker = (state: string) => ({ id: 1, vector: [1], payload: { state } })

export class Lane {
  readonly #parts: LaneParts
  readonly #scope: string
  readonly #units: Unit[] = []
  #made = 0
  #entries = 0
  #leftOver = 0
  #collection: Entry | null = null
  #alias: Entry | null = null
  #watermark: string | null = null

  constructor(parts: LaneParts) {
    this.#parts = parts
    this.#scope = `p/${parts.number}-`
  }

  /** One operation, and often a read of what it did. */
  async step(): Promise<void> {
    const { random } = this.#parts
    const what = random.next()
    if (what < 0.5) return await this.#changePoints()
    if (what < 0.57) return await this.#changeRegister()
    if (what < 0.62 && this.#leftOver < MOST_LEFT_OVER)
      return random.chance(0.5) ? await this.#changeCollection() : await this.#changeAlias()
    if (what < 0.7) return await this.#readCatalogue()
    const of = random.chance(0.5) ? this : random.pick(this.#parts.lanes)
    const unit = of.#anyUnit()
    const at = this.#parts.pick()
    if (!at) return
    if (unit && random.chance(0.85)) await this.#readUnit(unit, at)
    else await of.readAll(at, this.#after())
  }

  /** All points of this lane, as one answer shows them; null where there is none. */
  async readAll(slot: Slot, after: string | null): Promise<Read | null> {
    const { calls, number } = this.#parts
    const filter = { must: [{ key: 'lane', match: { value: String(number) } }] }
    const body = { filter, limit: 10_000, with_payload: true, with_vector: true }
    const request = { method: 'POST', path: `${THINGS}/points/scroll`, body }
    return await calls.read(slot, request, after, this.#scope, ({ result }) => this.#seen(result.points))
  }

  // Points

  #anyUnit(): Unit | undefined {
    return this.#units.length === 0 ? undefined : this.#parts.random.pick(this.#units)
  }

  async #changePoints(): Promise<void> {
    const { random } = this.#parts
    const unit =
      this.#units.length < LIVE && random.chance(0.5) ? this.#newUnit() : (this.#anyUnit() ?? this.#newUnit())
    if (!unit.isThere) return await this.#write(unit, random.chance(0.2) ? this.#inserted(unit) : this.#upserted(unit))
    // Deletions keep pace with new units.
    if (random.chance(this.#units.length < LIVE ? 0.15 : 0.4)) return await this.#write(unit, this.#deleted(unit))
    const changes = [this.#upserted, this.#upserted, this.#conditional, this.#inserted, this.#changedPayload]
    await this.#write(unit, random.pick(changes).call(this, unit))
  }

  #newUnit(): Unit {
    const { number: lane } = this.#parts
    const number = this.#made++
    const unit = { name: this.#scope + number, lane, number, vector: 0, payload: 0, isThere: false, tried: 0 }
    this.#units.push(unit)
    return unit
  }

  #points(unit: Unit, version: number) {
    const payload = { unit: unit.name, lane: String(unit.lane), v: version }
    return idsOf(unit).map((id, i) => ({ id, vector: [version, unit.number, i], payload }))
  }

  #upserted(unit: Unit, condition: object = {}): [after: Unit, request: Request] {
    const version = ++unit.tried
    const body = { points: this.#points(unit, version), ...condition }
    const after = { ...unit, vector: version, payload: version, isThere: true }
    return [after, { method: 'PUT', path: `${THINGS}/points`, body }]
  }

  /** Its condition holds, or does not. */
  #conditional(unit: Unit): [after: Unit, request: Request] {
    const holds = this.#parts.random.chance(0.5)
    const value = holds ? unit.payload : -1
    const condition = { update_mode: 'update_only', update_filter: { must: [{ key: 'v', match: { value } }] } }
    const [after, request] = this.#upserted(unit, condition)
    return [holds ? after : { ...unit }, request]
  }

  #inserted(unit: Unit): [after: Unit, request: Request] {
    const [after, request] = this.#upserted(unit, { update_mode: 'insert_only' })
    return [unit.isThere ? { ...unit } : after, request]
  }

  #changedPayload(unit: Unit): [after: Unit, request: Request] {
    const payload = ++unit.tried
    const body = { payload: { v: payload }, points: idsOf(unit) }
    return [
      { ...unit, payload },
      { method: 'POST', path: `${THINGS}/points/payload`, body },
    ]
  }

  #deleted(unit: Unit): [after: Unit, request: Request] {
    const body = this.#parts.random.chance(0.5) ? { points: idsOf(unit) } : { filter: filterOf(unit) }
    return [
      { ...unit, isThere: false },
      { method: 'POST', path: `${THINGS}/points/delete`, body },
    ]
  }

  async #write(unit: Unit, [after, request]: [after: Unit, request: Request]): Promise<void> {
    const { calls, random } = this.#parts
    const slot = this.#parts.pick()
    if (!slot) return
    const write = await calls.write(slot, unit.name, stateOf(after), request)
    this.#noteWatermark(write)
    if (write.outcome === 'done') Object.assign(unit, { ...after, tried: unit.tried })
    // Deleted units are read for a while, and some are written again.
    const isOver = write.outcome === 'unknown' || (!unit.isThere && random.chance(0.3))
    if (isOver) this.#units.splice(this.#units.indexOf(unit), 1)
    const at = random.chance(0.5) ? slot : this.#parts.pick()
    if (at && random.chance(0.6)) await this.#readUnit(unit, at)
  }

  #noteWatermark({ watermark }: Write): void {
    this.#watermark = watermark ?? this.#watermark
  }

  #after(): string | null {
    const { random, calls } = this.#parts
    if (random.chance(0.5)) return null
    return random.chance(0.5) ? calls.watermark : this.#watermark
  }

  async #readUnit(unit: Unit, at: Slot): Promise<void> {
    const after = this.#after()
    const { calls, random } = this.#parts
    const filter = filterOf(unit)
    const all = { with_payload: true, with_vector: true }
    const post = (what: string, body: object): Request => ({ method: 'POST', path: `${THINGS}/points${what}`, body })
    const read = (request: Request, pointsIn: (answer: Answer) => StoredPoint[]) =>
      calls.read(at, request, after, null, (answer) => ({ [unit.name]: this.#stateIn(unit, pointsIn(answer)) }))
    switch (random.below(4)) {
      case 0:
        return void (await read(post('', { ids: idsOf(unit), ...all }), ({ result }) => result))
      case 1:
        return void (await read(post('/scroll', { filter, ...all }), ({ result }) => result.points))
      case 2: {
        const query = { query: [1, 1, 1], filter, limit: 2 * POINTS, ...all }
        return void (await read(post('/query', query), ({ result }) => result.points))
      }
      default:
        await calls.read(at, post('/count', { filter, exact: true }), after, null, ({ result }) => ({
          [unit.name]: result.count === 0 ? ABSENT : result.count === POINTS ? PRESENT : `torn: ${result.count} points`,
        }))
    }
  }

  #stateIn(unit: Pick<Unit, 'name' | 'number'>, points: readonly StoredPoint[]): string {
    if (points.length === 0) return ABSENT
    const states = points.map(({ vector: [version, number, i], payload }) =>
      payload.unit === unit.name && number === unit.number ? `${i}: ${version}/${payload.v}` : 'of another unit',
    )
    const [first] = points as [StoredPoint]
    const state = `${first.vector[0]}/${first.payload.v}`
    const isWhole = Array.from({ length: POINTS }, (_, i) => `${i}: ${state}`).join() === states.sort().join()
    return isWhole ? state : `torn: ${states.join(', ')}`
  }

  #seen(points: readonly StoredPoint[]): Read['seen'] {
    const units = new Map<string, StoredPoint[]>()
    for (const point of points) {
      const { unit } = point.payload
      units.set(unit, [...(units.get(unit) ?? []), point])
    }
    const numberOf = (name: string) => Number(name.split('-')[1])
    return Object.fromEntries(
      [...units].map(([name, points]) => [name, this.#stateIn({ name, number: numberOf(name) }, points)]),
    )
  }

  // Registers

  async #changeRegister(): Promise<void> {
    const { calls, random, number } = this.#parts
    const register = random.below(REGISTERS)
    const look = async (slot: Slot | null) => {
      const request = {
        method: 'POST',
        path: `${THINGS}/points`,
        body: { ids: [REGISTER_IDS + register], with_payload: true },
      }
      return slot && (await calls.look(slot, String(register), request, this.#after()))
    }
    const before = await look(this.#parts.pick())
    const slot = this.#parts.pick()
    if (!before || !slot) return
    const { value } = before
    const token = `${number}/${this.#made++}`
    const points = [{ id: REGISTER_IDS + register, vector: [0, 0, 0], payload: { n: value + 1, token } }]
    const condition = { update_mode: 'update_only', update_filter: { must: [{ key: 'n', match: { value } }] } }
    const request = { method: 'PUT', path: `${THINGS}/points`, body: { points, ...condition } }
    await calls.swap(slot, String(register), value + 1, token, request)
    await look(slot)
    await look(this.#parts.pick())
  }

  // Collections and aliases

  async #changeCollection(): Promise<void> {
    this.#collection ??= { name: `${this.#parts.number}-${this.#entries++}`, state: ABSENT }
    const entry = this.#collection
    const { random } = this.#parts
    const path = `/collections/c${entry.name}`
    const state = `v${this.#made++}`
    const made: [string, Request] = ['empty', { method: 'PUT', path, body: SMALL }]
    const filled: [string, Request] = [
      state,
      { method: 'PUT', path: `${path}/points`, body: { points: [marker(state)] } },
    ]
    const dropped: [string, Request] = [ABSENT, { method: 'DELETE', path }]
    const next = entry.state === ABSENT ? made : entry.state === 'empty' || random.chance(0.3) ? filled : dropped
    this.#collection = await this.#changeEntry('c/', entry, ...next)
  }

  async #changeAlias(): Promise<void> {
    this.#alias ??= { name: `${this.#parts.number}-${this.#entries++}`, state: ABSENT }
    const entry = this.#alias
    const { random } = this.#parts
    const state = entry.state !== ABSENT && random.chance(0.3) ? ABSENT : random.pick(KEPT)
    const name = `a${entry.name}`
    const actions = [
      ...(entry.state === ABSENT ? [] : [{ delete_alias: { alias_name: name } }]),
      ...(state === ABSENT ? [] : [{ create_alias: { alias_name: name, collection_name: state } }]),
    ]
    const request = { method: 'POST', path: '/collections/aliases', body: { actions } }
    this.#alias = await this.#changeEntry('a/', entry, state, request)
  }

  async #changeEntry(scope: string, entry: Entry, state: string, request: Request): Promise<Entry | null> {
    const slot = this.#parts.pick()
    if (!slot) return entry
    const write = await this.#parts.calls.write(slot, scope + entry.name, state, request)
    this.#noteWatermark(write)
    if (write.outcome === 'done') entry.state = state
    await this.#readEntry(scope, entry, slot)
    if (write.outcome !== 'unknown') return entry
    this.#leftOver++
    return null
  }

  async #readCatalogue(): Promise<void> {
    const { random, calls } = this.#parts
    const at = this.#parts.pick()
    if (!at) return
    if (this.#collection && random.chance(0.4)) return await this.#readEntry('c/', this.#collection, at)
    if (this.#alias && random.chance(0.6)) return await this.#readEntry('a/', this.#alias, at)
    if (random.chance(0.5))
      return void (await calls.read(at, { method: 'GET', path: '/collections' }, this.#after(), 'c/', collectionsIn))
    await calls.read(at, { method: 'GET', path: '/aliases' }, this.#after(), 'a/', aliasesIn)
  }

  async #readEntry(scope: string, { name }: Entry, at: Slot): Promise<void> {
    const path = `/collections/${scope[0]}${name}/points/scroll`
    const stateIn = ({ result }: Answer) => result.points[0]?.payload.state ?? 'empty'
    const request = { method: 'POST', path, body: { with_payload: true } }
    await this.#parts.calls.read(at, request, this.#after(), null, seenOrAbsent(scope + name, stateIn))
  }
}

interface StoredPoint {
  vector: number[]
  payload: { unit: string; v: number }
}

const idsOf = ({ lane, number }: Unit) =>
  Array.from({ length: POINTS }, (_, i) => (lane + 1) * LANE_IDS + number * POINTS + i)
const stateOf = ({ isThere, vector, payload }: Unit) => (isThere ? `${vector}/${payload}` : ABSENT)
const filterOf = ({ name }: Unit) => ({ must: [{ key: 'unit', match: { value: name } }] })

/** Collections of lanes alone: their names begin with a letter and a number. */
export function collectionsIn({ result }: Answer): Read['seen'] {
  const names = (result.collections as { name: string }[]).map(({ name }) => name).filter((name) => /^c\d/.test(name))
  return Object.fromEntries(names.map((name) => [`c/${name.slice(1)}`, PRESENT]))
}

export function aliasesIn({ result }: Answer): Read['seen'] {
  const aliases = result.aliases as { alias_name: string; collection_name: string }[]
  return Object.fromEntries(aliases.map((alias) => [`a/${alias.alias_name.slice(1)}`, alias.collection_name]))
}
