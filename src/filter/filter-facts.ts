import { PAYLOAD_INDEX_KINDS, type PayloadIndexKind } from '../core/payload-index.js'
import { ID_WORDS } from '../core/point.js'
import type { FilterNode } from './node.js'
import { type FilterContext, parseFilter } from './parse.js'
import type { PathStep } from './path.js'

/** Facts about a filter, for strict mode. */
export interface FilterFacts {
  /** Number of leaf conditions. */
  conditions: number
  /** Number of values of the condition with the most values. */
  largest: number
  fields: FilteredField[]
}

/** An integer index looks values up and finds ranges; a keyword index finds the texts that begin so. */
export type IndexUse = 'lookup' | 'range' | 'prefix'

export interface FilteredField {
  /** The field's path without the brackets of arrays. The names of indexes are compared without brackets too. */
  key: string
  /** Kinds of indexes that answer the condition. */
  kinds: readonly PayloadIndexKind[]
  /** The capability that the index needs; absent: none in particular. */
  use?: IndexUse
}

export function filterFacts(filter: unknown, context: FilterContext, field = 'filter'): FilterFacts {
  const node = parseFilter(filter, context, field)
  return factsOf(node ? [node] : [])
}

/** Facts about several parsed conditions together. */
export function factsOf(nodes: readonly FilterNode[]): FilterFacts {
  const facts: FilterFacts = { conditions: 0, largest: 0, fields: [] }
  for (const node of nodes) gather(node, '', facts)
  return facts
}

/** The name of a payload path without the brackets of arrays. */
export function plainKey(path: readonly PathStep[]): string {
  return path.flatMap((step) => (step.kind === 'key' ? [step.key] : [])).join('.')
}

const NUMBERS_PER_POSITION = 2
type Needed = Omit<FilteredField, 'key'>
/** An index of any kind also indexes nulls and the number of values. */
const ANY: Needed = { kinds: [...PAYLOAD_INDEX_KINDS].sort() }
const NEEDED: Partial<Record<FilterNode['op'], Needed>> = {
  range: { kinds: ['float', 'integer'], use: 'range' },
  dateRange: { kinds: ['datetime'] },
  text: { kinds: ['text'] },
  startsWith: { kinds: ['keyword'], use: 'prefix' },
  geo: { kinds: ['geo'] },
  count: ANY,
  isEmpty: ANY,
  isNull: ANY,
  hasNull: ANY,
}

function gather(node: FilterNode, above: string, facts: FilterFacts): void {
  const key = 'path' in node ? above + plainKey(node.path) : ''
  if ('children' in node) for (const child of node.children) gather(child, above, facts)
  else if (node.op === 'not') gather(node.child, above, facts)
  else if (node.op === 'nested') gather(node.child, `${key}.`, facts)
  else {
    const needed = neededBy(node)
    facts.conditions++
    facts.largest = Math.max(facts.largest, sizeOf(node))
    if (needed) facts.fields.push({ key, ...needed })
  }
}

function sizeOf(node: FilterNode): number {
  if (node.op === 'hasId') return node.ids.length / ID_WORDS
  if ('texts' in node) return node.texts.length
  if (node.op === 'geo') return node.area.shape === 'polygon' ? sum(node.area.rings) / NUMBERS_PER_POSITION : 0
  if (!('values' in node)) return 0
  const { texts, integers, booleans } = node.values
  return texts.length + integers.length + booleans.length
}

/** null if no index answers the condition: conditions on ids, slices, and the presence of vectors. */
function neededBy(node: FilterNode): Needed | null {
  if ('values' in node) {
    const { texts, integers, booleans } = node.values
    if (texts.length > 0) return { kinds: ['keyword', 'uuid'] }
    if (integers.length > 0) return { kinds: ['integer'], use: 'lookup' }
    // An empty list does not show the type of its values.
    return { kinds: booleans.length > 0 ? ['bool'] : ['keyword', 'uuid', 'integer', 'bool'] }
  }
  return NEEDED[node.op] ?? null
}

function sum(rings: readonly Float64Array[]): number {
  return rings.reduce((total, ring) => total + ring.length, 0)
}
