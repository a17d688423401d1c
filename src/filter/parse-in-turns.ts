/** Reads large filters in turns of the event loop. `parseFilter` then finds them already read. */
import { LIMITS } from '../core/limits.js'
import { encodeId, ID_WORDS } from '../core/point.js'
import type { Fields } from './fields.js'
import type { FilterNode } from './node.js'
import { checkIdCount, type FilterContext, FilterParser, filtersRead, idsRead, saying } from './parse.js'
import { readListInTurns } from './parse-match.js'
import { inTurns, type Pause } from './pause.js'
import { compileInTurns, writeInTurns } from './program.js'

/** Values and objects of a filter that is read at once: some milliseconds. */
const LARGE = 2_048

/** Whether the filter is large. The check itself stops at that size. */
export function isLargeFilter(filter: unknown): boolean {
  return sizeWithin(filter, LARGE) > LARGE
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
  filtersRead.set(filter, { node: await nodeInTurns(filter, context, field, pause), context })
}

/** The same of a condition by itself: `parseCondition` finds it read. */
export async function readConditionInTurns(
  condition: object,
  context: FilterContext,
  field: string,
  pause: Pause,
): Promise<void> {
  filtersRead.set(condition, { node: await nodeInTurns({ must: [condition] }, context, field, pause), context })
}

async function nodeInTurns(
  filter: object,
  context: FilterContext,
  field: string,
  pause: Pause,
): Promise<FilterNode | null> {
  const parser = new FilterParser(context)
  await new LongLists(parser, context, pause).inFilter(filter, field, 0)
  const node = saying(parser.filter(filter, field, 0))
  if (node) await compileInTurns(node, pause)
  return node
}

/** Reads the long lists of a filter, inner ones first. Values that are no filter are left for the parser to refuse. */
class LongLists {
  readonly #parser: FilterParser
  readonly #textIds: boolean
  readonly #pause: Pause

  constructor(parser: FilterParser, { textIds = false }: FilterContext, pause: Pause) {
    this.#parser = parser
    this.#textIds = textIds
    this.#pause = pause
  }

  async inFilter(filter: unknown, field: string, depth: number): Promise<void> {
    if (!isFields(filter) || depth > LIMITS.filterDepth) return
    for (const clause of ['must', 'should', 'must_not']) {
      if (filter[clause]) await this.#inClause(filter[clause], `${field}.${clause}`, depth + 1)
    }
    const { min_should } = filter
    if (isFields(min_should)) await this.#inClause(min_should.conditions, `${field}.min_should.conditions`, depth + 1)
  }

  async #inClause(clause: unknown, field: string, depth: number): Promise<void> {
    if (!Array.isArray(clause)) return await this.#inCondition(clause, field, depth)
    await inTurns(clause, this.#pause, (condition, i) => this.#inCondition(condition, `${field}[${i}]`, depth))
    if (clause.length <= LARGE) return
    const nodes: ReturnType<FilterParser['condition']>[] = []
    await inTurns(clause, this.#pause, (condition, i) => {
      nodes.push(this.#parser.condition(condition, `${field}[${i}]`, depth))
    })
    this.#parser.know(clause, nodes)
  }

  #inCondition(condition: unknown, field: string, depth: number): Promise<void> | undefined {
    if (!isFields(condition)) return undefined
    const { match, has_id: ids, nested } = condition
    if (isFields(nested)) return this.inFilter(nested.filter, `${field}.nested.filter`, depth + 1)
    if (isLong(ids)) return this.#ids(ids, `${field}.has_id`)
    if (isFields(match) && isLong(match.any)) return this.#values(match.any, `${field}.match.any`)
    if (isFields(match) && isLong(match.except)) return this.#values(match.except, `${field}.match.except`)
    return 'key' in condition ? undefined : this.inFilter(condition, field, depth)
  }

  async #values(list: readonly unknown[], field: string): Promise<void> {
    await writeInTurns(await readListInTurns(list, field, this.#pause), this.#pause)
  }

  async #ids(list: readonly unknown[], field: string): Promise<void> {
    checkIdCount(list, field)
    const ids = new Uint32Array(list.length * ID_WORDS)
    const textIds = this.#textIds
    await inTurns(list, this.#pause, (id, at) => encodeId(id, ids, at * ID_WORDS, `${field}[${at}]`, textIds))
    idsRead.set(list, { ids, textIds })
  }
}

function isFields(value: unknown): value is Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

function isLong(list: unknown): list is readonly unknown[] {
  return Array.isArray(list) && list.length > LARGE
}
