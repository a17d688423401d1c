import { PAYLOAD_INDEX_KINDS, type PayloadIndexKind } from '../core/payload-index.js'
import { ID_WORDS } from '../core/point.js'
import type { FilterNode } from './node.js'
import { type FilterContext, parseFilter } from './parse.js'
import type { PathStep } from './path.js'

/** What a filter asks for, for those who bound it. */
export interface FilterFacts {
  /** Leaves. */
  conditions: number
  /** Values of the condition that has most. */
  largest: number
  fields: FilteredField[]
}

export interface FilteredField {
  /** As an index of it is named, but for the brackets of arrays: those of both are left out to compare. */
  key: string
  /** An index of one of these kinds answers the condition. */
  kinds: readonly PayloadIndexKind[]
  /** What an index of integers has to be for; absent: anything. */
  use?: 'lookup' | 'range'
}

export function filterFacts(filter: unknown, context: FilterContext, field = 'filter'): FilterFacts {
  const node = parseFilter(filter, context, field)
  return factsOf(node ? [node] : [])
}

/** Of conditions that are parsed, all together. */
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
/** Beside any index there is one of nulls, and of how many values there are. */
const ANY: Needed = { kinds: [...PAYLOAD_INDEX_KINDS].sort() }
const NEEDED: Partial<Record<FilterNode['op'], Needed>> = {
  range: { kinds: ['float', 'integer'], use: 'range' },
  dateRange: { kinds: ['datetime'] },
  text: { kinds: ['text'] },
  startsWith: { kinds: ['keyword'] },
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

/** Null where a condition is not answered by an index: of ids, slices, and which vectors there are. */
function neededBy(node: FilterNode): Needed | null {
  if ('values' in node) {
    const { texts, integers, booleans } = node.values
    if (texts.length > 0) return { kinds: ['keyword', 'uuid'] }
    if (integers.length > 0) return { kinds: ['integer'], use: 'lookup' }
    // A list of none says nothing of what its values are.
    return { kinds: booleans.length > 0 ? ['bool'] : ['keyword', 'uuid', 'integer', 'bool'] }
  }
  return NEEDED[node.op] ?? null
}

function sum(rings: readonly Float64Array[]): number {
  return rings.reduce((total, ring) => total + ring.length, 0)
}
