/** Reads large filters in turns of the event loop. `parseFilter` then finds them already read. */
import { ID_WORDS } from '../core/point.js'
import type { Place } from '../core/vocabulary/place.js'
import { isPlain } from '../core/vocabulary/plain.js'
import { Fields, given } from './fields.js'
import type { FilterNode } from './node.js'
import {
  bind,
  type FilterContext,
  FilterParser,
  filtersRead,
  idsRead,
  type ReadFilter,
  type Start,
  standing,
  writeId,
} from './parse.js'
import { readListInTurns } from './parse-match.js'
import { inTurns, type Pause } from './pause.js'
import { compileInTurns, writeInTurns } from './program.js'

/** Values and objects of a filter that is read at once: some milliseconds. */
const LARGE = 2_048

/** Conditions of a list that is read in turns of its own, within a large filter. */
const LONG_LIST = 64

/** Whether the filter is large. The check itself stops at that size. */
export function isLargeFilter(filter: unknown): boolean {
  return sizeWithin(filter, LARGE) > LARGE
}

/** Values and objects in the filters of one request, as far as they were counted. */
export interface FilterSum {
  filterValues: number
}

/** Adds a filter. Returns whether the filters are large by now: many small ones add up. */
export function areLargeWith(filter: unknown, sum: FilterSum): boolean {
  if (sum.filterValues <= LARGE) sum.filterValues += sizeWithin(filter, LARGE - sum.filterValues)
  return sum.filterValues > LARGE
}

/** Counts values and objects up to about `most`. */
function sizeWithin(value: unknown, most: number): number {
  if (value === null || typeof value !== 'object') return 1
  const values: readonly unknown[] = Array.isArray(value) ? value : Object.values(value)
  let size = 1
  for (let at = 0; at < values.length && size <= most; at++) size += sizeWithin(values[at], most - size)
  return size
}

/** Reads a filter in turns. Rejects where `parseFilter` throws. */
export async function readInTurns(filter: object, context: FilterContext, field: string, pause: Pause): Promise<void> {
  const start = standing(filter, field)
  const parser = new FilterParser(start)
  await new LongLists(parser, start, context, pause).inFilter(filter, start.place, 0)
  await finish(filter, parser.whole(filter), start, context, pause)
}

/** The same of a condition by itself: `parseCondition` finds it read. */
export async function readConditionInTurns(
  condition: object,
  context: FilterContext,
  start: Start,
  pause: Pause,
): Promise<void> {
  const parser = new FilterParser(start)
  await new LongLists(parser, start, context, pause).inCondition(condition, start.place, 1)
  await finish(condition, parser.result(parser.condition(condition, start.place, 1)), start, context, pause)
}

async function finish(
  filter: object,
  read: ReadFilter,
  { reading }: Start,
  context: FilterContext,
  pause: Pause,
): Promise<void> {
  reading.end()
  const node = bind(read, context)
  if (node) await compileInTurns(node, pause)
  filtersRead.set(filter, read)
}

/** Reads the long lists of a filter, inner ones first. Values that are no filter are left for the parser to refuse. */
class LongLists {
  readonly #parser: FilterParser
  readonly #start: Start
  readonly #textIds: boolean
  readonly #pause: Pause

  constructor(parser: FilterParser, start: Start, { textIds = false }: FilterContext, pause: Pause) {
    this.#parser = parser
    this.#textIds = textIds
    this.#start = start
    this.#pause = pause
  }

  async inFilter(filter: unknown, place: Place, depth: number): Promise<void> {
    // A filter that holds itself would never end.
    this.#parser.checkDepth(depth)
    if (!isPlain(filter)) return
    const fields = new Fields(filter, place, this.#start.reading)
    for (const clause of ['must', 'should', 'mustNot']) {
      const conditions = fields.get(clause)
      if (conditions) await this.#inClause(conditions, fields.at(clause), depth + 1)
    }
    const minShould = fields.get('minShould')
    if (!isPlain(minShould)) return
    const at = { parent: fields.at('minShould'), key: 'conditions' }
    await this.#inClause(minShould.conditions, at, depth + 1)
  }

  async #inClause(clause: unknown, place: Place, depth: number): Promise<void> {
    if (!Array.isArray(clause)) return await this.inCondition(clause, place, depth)
    await inTurns(clause, this.#pause, (condition, key) => this.inCondition(condition, { parent: place, key }, depth))
    if (clause.length < LONG_LIST) return
    const nodes: FilterNode[] = []
    await inTurns(clause, this.#pause, (condition, key) => {
      nodes.push(this.#parser.condition(condition, { parent: place, key }, depth))
    })
    this.#parser.know(clause, nodes)
  }

  inCondition(condition: unknown, place: Place, depth: number): Promise<void> | undefined {
    if (!isPlain(condition)) return undefined
    const fields = new Fields(condition, place, this.#start.reading)
    const { match, nested } = condition
    if (isPlain(nested)) {
      const inner = { parent: { parent: place, key: 'nested' }, key: 'filter' }
      return this.inFilter(nested.filter, inner, depth + 1)
    }
    const ids = given(condition, 'hasId')
    if (isLong(ids)) return this.#ids(ids, fields.at('hasId'))
    const at = (key: string) => ({ parent: { parent: place, key: 'match' }, key })
    if (isPlain(match) && isLong(match.any)) return this.#values(match.any, at('any'))
    if (isPlain(match) && isLong(match.except)) return this.#values(match.except, at('except'))
    return 'key' in condition ? undefined : this.inFilter(condition, place, depth)
  }

  async #values(list: readonly unknown[], place: Place): Promise<void> {
    await writeInTurns(await readListInTurns(list, place, this.#start.reading, this.#pause), this.#pause)
  }

  async #ids(list: readonly unknown[], place: Place): Promise<void> {
    const ids = new Uint32Array(list.length * ID_WORDS)
    const textIds = this.#textIds
    const of = { place, reading: this.#start.reading, textIds }
    await inTurns(list, this.#pause, (id, at) => writeId(id, ids, at, of))
    idsRead.set(list, { ids, textIds })
  }
}

function isLong(list: unknown): list is readonly unknown[] {
  return Array.isArray(list) && list.length > LARGE
}
